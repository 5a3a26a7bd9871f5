@ Instructions by class. A heading says "class", "class registers" for those that transfer so many, and "pc" for loads of the
@ program counter.

@ class alu
movs r0, #1
adds r0, r1, r2
lsls r0, r1, #3
cmp r0, r9
mov r8, r0
add sp, #16
adr r0, . + 4
uxtb r0, r1
rev r0, r1
nop
nop.w
movw r0, #1234
movt r0, #1234
add.w r0, r1, r2, lsl #3
and.w r0, r1, #255
ubfx r0, r1, #3, #4
bfi r0, r1, #3, #4
ssat r0, #8, r1
usat r0, #8, r1, asr #3
sxtb16 r0, r1, ror #8
pkhbt r0, r1, r2, lsl #16
sadd8 r0, r1, r2
uadd16 r0, r1, r2
qadd r0, r1, r2
clz r0, r1
lsl.w r0, r1, r2
sel r0, r1, r2
mrs r0, apsr
msr apsr_nzcvq, r0
dsb
isb
pld [r0]
pld [r0, r1]
dls lr, r3
dlstp.8 lr, r3
csel r0, r1, r2, eq
lsll r0, r1, r2
asrl r0, r1, #5
sqrshrl r0, r1, #64, r2
clrm {r0, r1}
sg
tt r0, r1
svc #1
cpsid i
lctp

@ class multiply
muls r0, r1, r0
mul r0, r1, r2
mla r0, r1, r2, r3
mls r0, r1, r2, r3
smlad r0, r1, r2, r3
smuad r0, r1, r2
smladx r0, r1, r2, r3
smlsd r0, r1, r2, r3
smlabb r0, r1, r2, r3
smulbt r0, r1, r2
smlawb r0, r1, r2, r3
smmul r0, r1, r2
smmla r0, r1, r2, r3
smmlsr r0, r1, r2, r3
usad8 r0, r1, r2
usada8 r0, r1, r2, r3

@ class multiply_long
smull r0, r1, r2, r3
umull r0, r1, r2, r3
smlal r0, r1, r2, r3
umlal r0, r1, r2, r3
smlald r0, r1, r2, r3
smlsld r0, r1, r2, r3
smlalbb r0, r1, r2, r3
umaal r0, r1, r2, r3

@ class divide
sdiv r0, r1, r2
udiv r0, r1, r2

@ class load
ldr r0, [r1]
ldrb r0, [r1, #1]
ldrh r0, [r1, r2]
ldrsb r0, [r1, r2]
ldrsh r0, [r1, r2]
ldr r0, [sp, #4]
ldr.w r0, [r1, #40]
ldr r0, [r1], #4
ldr r0, [r1, #4]!
ldrb.w r0, [r1, r2, lsl #2]
ldrsb.w r0, [r1, #8]
ldrsh.w r0, [r1, #8]
ldr r0, [r1, #-4]
ldrex r0, [r1]
ldrexb r0, [r1]
lda r0, [r1]
ldrt r0, [r1]

@ class load pc
tbb [r0, r1]
tbh [r0, r1, lsl #1]
ldr pc, [r0]
ldr pc, [sp], #4
ldr.w pc, [r0, r1, lsl #2]

@ class store
str r0, [r1]
strb r0, [r1, #1]
strh r0, [r1, r2]
str r0, [sp, #4]
str.w r0, [r1, #40]
str r0, [r1], #4
strb.w r0, [r1, r2]
strh r0, [r1, #-2]
strex r0, r2, [r1]
stl r0, [r1]

@ class load_multiple 4
ldm r0!, {r1-r4}
pop {r0-r3}
ldm.w r0, {r4-r6, r8}
ldmdb r0!, {r1-r4}
vldm r0, {s0-s3}
vldm r0!, {d0-d1}
vpop {s4-s7}

@ class load_multiple 2
ldrd r0, r1, [r2]
ldrd r0, r1, [r2], #8
ldrd r0, r1, [r2, #8]!
vldr d0, [r0]
pop {r4, r5}

@ class load_multiple 1
vldr s0, [r0, #4]
vldr.16 s0, [r0]

@ class load_multiple 3 pc
pop {r4, r5, pc}
pop.w {r4, r8, pc}
ldm r0, {r1, r2, pc}

@ class store_multiple 4
stm r0!, {r1-r4}
push {r0-r3}
stm.w r0, {r4-r6, r8}
stmdb r0!, {r1-r4}
vstm r0, {s0-s3}
vpush {d8-d9}
push {r4-r6, lr}

@ class store_multiple 2
strd r0, r1, [r2]
strd r0, r1, [r2], #8
vstr d0, [r0]

@ class store_multiple 1
vstr s0, [r0, #4]

@ class branch_taken
b . + 20
b.w . + 2000
beq . + 20
bne.w . + 2000
bl . + 2000
blx r0
bx lr
cbz r0, . + 20
cbnz r0, . + 20
mov pc, r0
add pc, r0
wls lr, r3, . + 20
wlstp.8 lr, r3, . + 20

@ class loop_end
le lr, . - 40
le . - 40
letp lr, . - 40

@ class float
vadd.f32 s0, s1, s2
vmul.f32 s0, s1, s2
vnmul.f32 s0, s1, s2
vsub.f64 d0, d1, d2
vmov.f32 s0, #1.0
vmov s0, r0
vmov r0, r1, d0
vmov s0, s1
vcmp.f32 s0, s1
vcmpe.f32 s0, #0
vmrs apsr_nzcv, fpscr
vcvt.f32.s32 s0, s1
vcvt.s32.f32 s0, s1
vabs.f32 s0, s1
vneg.f32 s0, s1
vmaxnm.f32 s0, s1, s2
vrinta.f32 s0, s1
vseleq.f32 s0, s1, s2
vcvtb.f32.f16 s0, s1
vadd.f16 s0, s1, s2
vdup.32 q0, r0
vmov.32 q0[0], r0
vmov.s8 r0, q0[3]

@ class float_multiply_add
vmla.f32 s0, s1, s2
vmls.f32 s0, s1, s2
vnmla.f32 s0, s1, s2
vfma.f32 s0, s1, s2
vfms.f64 d0, d1, d2
vfnma.f32 s0, s1, s2
vfnms.f32 s0, s1, s2

@ class float_divide
vdiv.f32 s0, s1, s2
vsqrt.f32 s0, s1
vdiv.f64 d0, d1, d2
vsqrt.f64 d0, d1

@ class vector_load
vldrb.8 q0, [r0]
vldrh.16 q0, [r0], #16
vldrw.32 q0, [r0, #16]!
vldrb.s16 q0, [r0]
vldrb.u32 q0, [r0], #4
vldrh.u32 q0, [r0, #8]
vldrh.u32 q0, [r0], #8
vldrw.32 q0, [r0, #-16]
vld20.8 {q0, q1}, [r0]
vld43.32 {q0, q1, q2, q3}, [r0]!

@ class vector_store
vstrb.8 q0, [r0]
vstrw.32 q0, [r0], #16
vstrb.16 q0, [r0]
vstrh.32 q0, [r0, #8]!
vst20.16 {q0, q1}, [r0]
vst41.8 {q0, q1, q2, q3}, [r0]

@ class vector_gather
vldrb.u8 q0, [r0, q1]
vldrb.s16 q0, [r0, q1]
vldrh.u32 q0, [r0, q1, uxtw #1]
vldrw.u32 q0, [r0, q1]
vldrd.u64 q0, [r0, q1]
vldrw.u32 q0, [q1]
vldrw.u32 q0, [q1, #8]!
vldrd.u64 q0, [q1, #8]
vstrb.8 q0, [r0, q1]
vstrw.32 q0, [r0, q1, uxtw #2]
vstrw.32 q0, [q1, #8]
vstrd.64 q0, [r0, q1]

@ class vector_multiply
vmladav.s8 r0, q0, q1
vmladava.s8 r0, q0, q1
vmladava.u8 r2, q0, q1
vmladavx.s16 r0, q0, q1
vmladav.s32 r0, q0, q1
vmlsdav.s8 r0, q0, q1
vmlsdavax.s16 r0, q0, q1
vmlaldav.s16 r0, r1, q0, q1
vmlaldava.u32 r0, r1, q0, q1
vmlsldav.s16 r0, r1, q0, q1
vrmlaldavh.s32 r0, r1, q0, q1
vrmlaldavha.u32 r0, r1, q0, q1
vrmlsldavh.s32 r0, r1, q0, q1
vmul.i8 q0, q1, q2
vmul.i32 q0, q1, r0
vmul.f32 q0, q1, q2
vmul.f16 q0, q1, r0
vmulh.s8 q0, q1, q2
vrmulh.u32 q0, q1, q2
vmullb.s8 q0, q1, q2
vmullt.u16 q0, q1, q2
vmullb.p8 q0, q1, q2
vmla.s8 q0, q1, r0
vmlas.u16 q0, q1, r0
vqdmulh.s32 q0, q1, q2
vqdmulh.s16 q0, q1, r0
vqrdmulh.s32 q0, q1, q2
vqrdmulh.s8 q0, q1, r0
vqdmlah.s32 q0, q1, r0
vqrdmlah.s8 q0, q1, r0
vqdmlash.s16 q0, q1, r0
vqrdmlash.s16 q0, q1, r0
vqdmladh.s8 q0, q1, q2
vqrdmladhx.s16 q0, q1, q2
vqdmlsdh.s32 q0, q1, q2
vqdmullb.s16 q0, q1, q2
vqdmullt.s32 q0, q1, q2
vqdmullb.s32 q0, q1, r0
vfma.f32 q0, q1, q2
vfma.f16 q0, q1, r0
vfmas.f32 q0, q1, r0
vfms.f32 q0, q1, q2
vmul.f32 q0, q1, r0
vcmul.f32 q0, q1, q2, #90
vcmla.f16 q0, q1, q2, #0

@ class vector
vadd.i8 q0, q1, q2
vadd.i32 q0, q1, r0
vsub.i16 q0, q1, q2
vadd.f32 q0, q1, q2
vqadd.s8 q0, q1, q2
vqsub.u8 q0, q1, r0
vhadd.s8 q0, q1, q2
vrhadd.s8 q0, q1, q2
vabd.s8 q0, q1, q2
vabav.u8 r0, q0, q1
vaddv.s8 r0, q0
vaddva.u32 r0, q0
vaddlv.s32 r0, r1, q0
vminv.s8 r0, q0
vmaxv.u32 r0, q0
vminav.s8 r0, q0
vmaxnmv.f32 r0, q0
vmax.s8 q0, q1, q2
vmin.u16 q0, q1, q2
vmaxa.s8 q0, q1
vmaxnm.f32 q0, q1, q2
vmaxnma.f32 q0, q1
vand q0, q1, q2
vorr q0, q1, q2
veor q0, q1, q2
vmvn q0, q1
vmov.i32 q0, #1
vmov q0, q1
vshl.i8 q0, q1, #2
vshl.s32 q0, r0
vshl.s32 q0, q1, q2
vrshl.s32 q0, r0
vqrshl.s32 q0, q1, q2
vqshl.u8 q3, r5
vshr.s8 q0, q1, #2
vrshr.s32 q0, q1, #2
vsri.8 q0, q1, #2
vsli.8 q0, q1, #2
vshlc q0, r0, #3
vshllb.s8 q0, q1, #2
vshllt.s8 q0, q1, #8
vshrnb.i16 q0, q1, #2
vqshrnt.s16 q0, q1, #2
vqrshrunb.s32 q0, q1, #2
vmovnb.i16 q0, q1
vqmovnt.s32 q0, q1
vqmovunb.s16 q0, q1
vmovlb.s8 q0, q1
vcvt.f32.s32 q0, q1
vcvt.s32.f32 q0, q1
vcvtb.f16.f32 q0, q1
vrintz.f32 q0, q1
vcmp.s8 gt, q0, q1
vcmp.i32 eq, q0, r0
vpsel q0, q1, q2
vpnot
vctp.8 r0
vctp.64 r3
vidup.u8 q0, r0, #1
vddup.u8 q0, r0, #4
viwdup.u8 q0, r0, r1, #1
vcadd.i8 q0, q1, q2, #90
vcadd.f32 q0, q1, q2, #90
vhcadd.s8 q0, q1, q2, #90
vadc.i32 q0, q1, q2
vsbci.i32 q0, q1, q2
vabs.s8 q0, q1
vneg.s8 q0, q1
vclz.i8 q0, q1
vrev32.8 q0, q1
vbic q0, q1, q2
vbrsr.8 q0, q1, r0
vmov q0[2], q0[0], r0, r1
vmov r0, r1, q0[2], q0[0]
