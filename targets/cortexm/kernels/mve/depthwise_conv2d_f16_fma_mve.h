/* depthwise_conv2d of f16 with sums in f16 on Helium: four pixels by eight channels at a time; see helium_f16.h.
 * helium_f16_depthwise.h says how they lie. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_F16_FMA_MVE_H
#define TAPEOUT_DEPTHWISE_CONV2D_F16_FMA_MVE_H

#include "helium_f16.h"
#include "helium_f16_depthwise.h"

typedef struct {
    window_params window;
    int32_t down; /* whether the four lie below one another */
    helium_f16_end end;
} depthwise_conv2d_f16_fma_mve_params;

/* A tap of each pixel. */
#define DEPTHWISE_F16_FMA_STEP                                                                                                             \
    DEPTHWISE_F16_LOAD("q4", "r6", "w_next", "r11")                                                                                        \
    DEPTHWISE_F16_LOAD("q5", "r2", "x_next", "r9") "vfma.f16 q0, q4, q5\n"                                                                 \
    DEPTHWISE_F16_LOAD("q6", "r3", "x_next", "r9") "vfma.f16 q1, q4, q6\n"                                                                 \
    DEPTHWISE_F16_LOAD("q5", "r4", "x_next", "r9") "vfma.f16 q2, q4, q5\n"                                                                 \
    DEPTHWISE_F16_LOAD("q6", "r5", "x_next", "r9") "vfma.f16 q3, q4, q6\n"

static inline void depthwise_conv2d_f16_fma_mve_outputs(const depthwise_conv2d_f16_fma_mve_params *,
                                                        const depthwise_f16_block *, int32_t)
    __attribute__((always_inline)); /* so that the parameters are constants of the assembly */
static inline void depthwise_conv2d_f16_fma_mve(const depthwise_conv2d_f16_fma_mve_params *, const uint16_t *, const uint16_t *,
                                                const uint16_t *, uint16_t *) __attribute__((always_inline));

/* Eight channels of four pixels, or as many as there are unless `whole`. */
static inline void depthwise_conv2d_f16_fma_mve_outputs(const depthwise_conv2d_f16_fma_mve_params *p,
                                                        const depthwise_f16_block *block, int32_t whole)
{
    register const depthwise_f16_block *at __asm("r1") = block;
    __asm volatile(HELIUM_F16_ON
                   "ldrd r2, r3, [r1]\n"
                   "ldrd r4, r5, [r1, #8]\n"
                   "ldrd r6, r8, [r1, #16]\n"
                   "ldrd r7, r9, [r1, #24]\n"
                   "ldrd r10, r11, [r1, #32]\n"
                   "ldrd r12, r0, [r1, #40]\n"
                   "ldr lr, [r1, #64]\n"
                   "vctp.16 lr\n"
                   "vmov.i32 q0, #0\n"
                   "vmov.i32 q1, #0\n"
                   "vmov.i32 q2, #0\n"
                   "vmov.i32 q3, #0\n"
                   "cmp r7, #0\n"
                   "beq 3f\n"
                   "1: dls lr, r8\n"
                   "2:\n" DEPTHWISE_F16_FMA_STEP
                   "le lr, 2b\n"
                   "add r2, r10\n"
                   "add r3, r10\n"
                   "add r4, r10\n"
                   "add r5, r10\n"
                   "add r6, r12\n"
                   "subs r7, #1\n"
                   "bne 1b\n"
                   "3:\n"
                   ".if %c[biased]\n"
                   "vpst\n"
                   "vldrht.u16 q4, [r0]\n"
                   ".endif\n"
                   HELIUM_F16_BIAS("q0", "q4") HELIUM_F16_BIAS("q1", "q4") HELIUM_F16_BIAS("q2", "q4") HELIUM_F16_BIAS("q3", "q4")
                   HELIUM_F16_BOUNDS
                   HELIUM_F16_CLIP("q0") HELIUM_F16_CLIP("q1") HELIUM_F16_CLIP("q2") HELIUM_F16_CLIP("q3")
                   "ldr lr, [r1, #64]\n"
                   "ldrd r2, r3, [r1, #48]\n"
                   "ldrd r4, r5, [r1, #56]\n"
                   "vctp.16 lr\n"
                   "vpstttt\n"
                   "vstrht.16 q0, [r2]\n"
                   "vstrht.16 q1, [r3]\n"
                   "vstrht.16 q2, [r4]\n"
                   "vstrht.16 q3, [r5]\n"
                   : "+r"(at)
                   : HELIUM_F16_END(p->end), [whole] "i"(whole), [w_next] "i"(2 * p->window.out_c),
                     [x_next] "i"(2 * p->window.dilation_w * p->window.in_pixel)
                   : HELIUM_F16_CLOBBERS);
}

/* x batches x in_h x in_w x in_c, w k_h x k_w x in_c, b in_c or NULL, y batches x out_h x out_w x in_c */
static inline void depthwise_conv2d_f16_fma_mve(const depthwise_conv2d_f16_fma_mve_params *p, const uint16_t *x, const uint16_t *w,
                                                const uint16_t *b, uint16_t *y)
{
    const image_lines lines = lines_of(&p->window, p->down);
    for (line_place at = {0, 0, 0}; at.batch < p->window.batches;) {
        const int32_t pixels = pixels_at(&lines, at.place, 4);
        depthwise_f16_block block = depthwise_f16_at(&p->window, &lines, &at, pixels, 4, x, w, b, y);
        for (; block.channels > 0; depthwise_f16_next(&block, 4, b ? 16 : 0)) {
            if (block.channels >= 8) {
                depthwise_conv2d_f16_fma_mve_outputs(p, &block, 1);
            } else {
                depthwise_conv2d_f16_fma_mve_outputs(p, &block, 0);
            }
        }
        next_place(&lines, &at, pixels);
    }
}

#undef DEPTHWISE_F16_FMA_STEP

#endif
