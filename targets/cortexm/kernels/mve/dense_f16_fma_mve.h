/* dense of f16 with sums in f16 on Helium: 32 outputs of a row at a time, and by eights at the end; see helium_f16.h. */
#ifndef TAPEOUT_DENSE_F16_FMA_MVE_H
#define TAPEOUT_DENSE_F16_FMA_MVE_H

#include "helium_f16.h"

typedef struct {
    int32_t rows, inputs, outputs;
    helium_f16_end end;
} dense_f16_fma_mve_params;

/* What the assembly reads by r1. */
typedef struct {
    const uint16_t *x;
    const uint16_t *w; /* inputs x as many outputs as are computed */
    const uint16_t *b;
    uint16_t *y;
    int32_t outputs; /* that exist */
} dense_f16_fma_mve_block;

/* An input by the weights of all outputs. */
#define DENSE_F16_STEP                                                                                                                     \
    "ldrh r0, [r2], #2\n"                                                                                                                  \
    "vldrh.u16 q4, [r3], #16\n"                                                                                                            \
    "vfma.f16 q0, q4, r0\n"                                                                                                                \
    ".if %c[four]\n"                                                                                                                       \
    "vldrh.u16 q5, [r3], #16\n"                                                                                                            \
    "vfma.f16 q1, q5, r0\n"                                                                                                                \
    "vldrh.u16 q4, [r3], #16\n"                                                                                                            \
    "vfma.f16 q2, q4, r0\n"                                                                                                                \
    "vldrh.u16 q5, [r3], #16\n"                                                                                                            \
    "vfma.f16 q3, q5, r0\n"                                                                                                                \
    ".endif\n"

/* Ends one vector; r4 counts the outputs that exist and may go below 1. */
#define DENSE_F16_STORE(sum, offset)                                                                                                       \
    ".if %c[biased]\n"                                                                                                                     \
    "vldrh.u16 q4, [r5, #" offset "]\n"                                                                                                    \
    ".endif\n"                                                                                                                             \
    HELIUM_F16_BIAS(sum, "q4") HELIUM_F16_CLIP(sum)                                                                                        \
    "vctp.16 r4\n"                                                                                                                         \
    "vpst\n"                                                                                                                               \
    "vstrht.16 " sum ", [r6, #" offset "]\n"

static inline void dense_f16_fma_mve_outputs(const dense_f16_fma_mve_params *, const dense_f16_fma_mve_block *, int32_t)
    __attribute__((always_inline)); /* so that the parameters are constants of the assembly */
static inline void dense_f16_fma_mve(const dense_f16_fma_mve_params *, const uint16_t *, const uint16_t *, const uint16_t *, uint16_t *)
    __attribute__((always_inline));

/* Four vectors of outputs, or one. */
static inline void dense_f16_fma_mve_outputs(const dense_f16_fma_mve_params *p, const dense_f16_fma_mve_block *block, int32_t four)
{
    register const dense_f16_fma_mve_block *at __asm("r1") = block;
    __asm volatile(HELIUM_F16_ON
                   "ldrd r2, r3, [r1]\n"
                   "ldrd r5, r6, [r1, #8]\n"
                   "ldr r4, [r1, #16]\n"
                   "vmov.i32 q0, #0\n"
                   "vmov.i32 q1, #0\n"
                   "vmov.i32 q2, #0\n"
                   "vmov.i32 q3, #0\n"
                   ".if %c[inputs] > 1\n"
                   "movw lr, #%c[inputs] / 2\n"
                   "dls lr, lr\n"
                   "1:\n" DENSE_F16_STEP DENSE_F16_STEP
                   "le lr, 1b\n"
                   ".endif\n"
                   ".if %c[inputs] & 1\n" DENSE_F16_STEP
                   ".endif\n" HELIUM_F16_BOUNDS DENSE_F16_STORE("q0", "0")
                   ".if %c[four]\n"
                   "subs r4, #8\n" DENSE_F16_STORE("q1", "16")
                   "subs r4, #8\n" DENSE_F16_STORE("q2", "32")
                   "subs r4, #8\n" DENSE_F16_STORE("q3", "48")
                   ".endif\n"
                   : "+r"(at)
                   : HELIUM_F16_END(p->end), [inputs] "i"(p->inputs), [four] "i"(four)
                   : HELIUM_F16_CLOBBERS);
}

/* x rows x inputs, w groups of 32 outputs: inputs x 32, then groups of 8: inputs x 8; b outputs or NULL, y rows x outputs */
static inline void dense_f16_fma_mve(const dense_f16_fma_mve_params *p, const uint16_t *x, const uint16_t *w, const uint16_t *b,
                                     uint16_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        dense_f16_fma_mve_block block = {x + row * p->inputs, w, b, y + row * p->outputs, p->outputs};
        while (block.outputs > 0) {
            const int32_t count = block.outputs >= 32 ? 32 : 8;
            if (count == 32) {
                dense_f16_fma_mve_outputs(p, &block, 1);
            } else {
                dense_f16_fma_mve_outputs(p, &block, 0);
            }
            block.w += count * p->inputs;
            block.b += count;
            block.y += count;
            block.outputs -= count;
        }
    }
}

#undef DENSE_F16_STEP
#undef DENSE_F16_STORE

#endif
