@ Instructions by class. A heading says "class".

@ class alu
add a0, a1, a2
sub s3, t4, a5
and a0, a1, t0
slt a0, a1, a2
sltu a0, a1, a2
sll a0, a1, a2
sra a0, a1, a2
addi a0, a1, 1000
slti zero, zero, 2
xori a0, a1, -1
andi a0, a1, 255
slli a0, a1, 3
srai t3, t4, 31
lui a0, 0x12345
auipc a0, 1
nop
ecall
ebreak
fence
fence.i
csrr a0, mepc
csrs mstatus, a0
c.nop
c.addi a0, 1
c.addi16sp sp, 32
c.addi4spn a0, sp, 16
c.li a0, -3
c.lui a0, 1
c.srli a0, 3
c.srai a0, 3
c.andi a0, 7
c.sub a0, a1
c.xor a0, a1
c.or a0, a1
c.and a0, a1
c.slli a0, 4
c.slli a0, 31
c.mv a0, a1
c.mv a0, a6
c.mv ra, t6
c.add a0, a1
c.add s0, t3
c.ebreak

@ class multiply
mul a0, a1, a2

@ class multiply_long
mulh a0, a1, a2
mulhu s0, s1, s2
mulhsu a0, a1, a2

@ class divide
div a0, a1, a2
divu a0, a1, a2
rem a0, a1, a2
remu a0, a1, a2

@ class load
lb a0, 0(a1)
lh a0, 2(a1)
lw a0, 2000(a1)
lbu a0, 1(a1)
lhu a0, 2(a1)
flw fa0, 2000(a1)
flh fa0, 2(a1)
c.lw a0, 4(a1)
c.lwsp a0, 4(sp)
c.lwsp t6, 252(sp)
c.flw fa0, 4(a1)
c.flwsp fa0, 4(sp)

@ class store
sb a0, 0(a1)
sh a0, 2(a1)
sw a0, 2000(a1)
fsw fa0, 2000(a1)
fsh fa0, 2(a1)
c.sw a0, 4(a1)
c.swsp a0, 4(sp)
c.fsw fa0, 4(a1)
c.fswsp fa0, 4(sp)

@ class branch_taken
beq a0, a1, . + 8
bne a0, a1, . + 8
blt a0, a1, . - 8
bge a0, a1, . + 8
bltu a0, a1, . + 8
bgeu a0, a1, . + 8
jal ra, . + 2000
jal zero, . - 2000
jalr ra, 4(a0)
jalr zero, 0(t0)
c.j . + 8
c.jal . + 8
c.beqz a0, . + 8
c.bnez a0, . - 8
c.jr a0
c.jr ra
c.jalr t6

@ class float
fadd.s fa0, fa1, fa2
fsub.s fa0, fa1, fa2
fmul.s fa0, fa1, fa2
fsgnj.s fa0, fa1, fa1
fmin.s fa0, fa1, fa2
fmax.s fa0, fa1, fa2
feq.s a0, fa1, fa2
fle.s a0, fa1, fa2
fclass.s a0, fa1
fcvt.w.s a0, fa1
fcvt.s.w fa0, a1
fcvt.s.wu fa0, a1
fmv.x.w a0, fa1
fmv.w.x fa0, a1
fadd.h fa0, fa1, fa2
fmul.h fa0, fa1, fa2
fcvt.s.h fa0, fa1
fcvt.h.s fa0, fa1
fmv.x.h a0, fa1

@ class float_multiply_add
fmadd.s fa0, fa1, fa2, fa3
fmsub.s fa0, fa1, fa2, fa3
fnmadd.s fa0, fa1, fa2, fa3
fnmsub.s fa0, fa1, fa2, fa3
fmadd.h fa0, fa1, fa2, fa3

@ class float_divide
fdiv.s fa0, fa1, fa2
fsqrt.s fa0, fa1
fdiv.h fa0, fa1, fa2
fsqrt.h fa0, fa1

@ class vector_load
vle8.v v2, (a0)
vle16.v v4, (a1)
vle32.v v8, (a2)
vl1re8.v v0, (a0)
vlm.v v0, (a0)
vlseg2e8.v v0, (a0)

@ class vector_store
vse8.v v2, (a0)
vse16.v v4, (a1)
vse32.v v8, (a2)
vs1r.v v0, (a0)

@ class vector_gather
vlse16.v v2, (a0), a1
vluxei32.v v2, (a0), v8
vloxei8.v v2, (a0), v8
vsse8.v v2, (a0), a1
vsuxei32.v v2, (a0), v8

@ class vector_multiply
vmul.vv v0, v1, v2
vmul.vx v0, v1, a2
vmulh.vv v8, v16, v24
vmulhu.vx v0, v1, a2
vmacc.vv v0, v1, v2
vmadd.vx v0, a1, v2
vnmsac.vv v0, v1, v2
vwmul.vv v8, v1, v2
vwmulu.vx v8, v1, a2
vwmulsu.vv v8, v1, v2
vwmacc.vx v8, a0, v4
vwmacc.vv v8, v4, v2
vwmaccsu.vx v8, a0, v4
vsmul.vv v0, v1, v2
vsmul.vx v0, v1, a2
vfmul.vf v0, v1, fa0
vfmul.vv v0, v1, v2
vfmacc.vf v8, fa0, v4
vfmacc.vv v8, v4, v2
vfnmsub.vv v8, v4, v2
vfwmul.vf v8, v4, fa0
vfwmacc.vf v8, fa0, v4
vfwnmsac.vv v8, v4, v2

@ class vector
vsetvli a0, a1, e32, m8, ta, ma
vsetivli zero, 4, e8, m1, ta, ma
vsetvl a0, a1, a2
vadd.vv v0, v1, v2
vadd.vx v0, v1, a2
vadd.vi v0, v1, 3
vmv1r.v v1, v2
vmv8r.v v8, v16
vmv.v.i v0, 0
vmv.v.x v0, a0
vmv.x.s a0, v1
vsext.vf2 v4, v2
vsra.vi v0, v1, 31
vssra.vx v0, v1, a2
vnclip.wv v4, v8, v2
vnclip.wi v4, v8, 0
vmax.vx v0, v1, a2
vmin.vx v0, v1, a2
vmerge.vvm v2, v1, v3, v0
vdiv.vx v0, v1, a2
vwsub.vx v4, v2, a0
vwadd.wv v8, v8, v4
vredsum.vs v0, v1, v2
vfadd.vv v0, v1, v2
vfdiv.vf v0, v1, fa0
vfrdiv.vf v0, v1, fa0
vfrsub.vf v0, v1, fa0
vfwadd.vv v8, v4, v2
vfwadd.wf v8, v4, fa0
vmflt.vf v0, v8, fa0
vfmerge.vfm v2, v1, fa0, v0
vfmv.v.f v0, fa0
vfmv.f.s fa0, v1
vfncvt.f.f.w v4, v8
vfredosum.vs v0, v1, v2
