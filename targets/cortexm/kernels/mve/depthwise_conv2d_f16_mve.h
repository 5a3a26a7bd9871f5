/* depthwise_conv2d of f16 with sums in f32 on Helium: two pixels by eight channels at a time; see helium_f16_wide.h.
 * helium_f16_depthwise.h says how they lie. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_F16_MVE_H
#define TAPEOUT_DEPTHWISE_CONV2D_F16_MVE_H

#include "helium_f16_wide.h"
#include "helium_f16_depthwise.h"

typedef struct {
    window_params window;
    int32_t down; /* whether the two lie below one another */
    helium_wide_end end;
} depthwise_conv2d_f16_mve_params;

/* A tap of each pixel. */
#define DEPTHWISE_F16_STEP                                                                                                                 \
    DEPTHWISE_F16_LOAD("q5", "r6", "w_next", "r11")                                                                                        \
    DEPTHWISE_F16_LOAD("q7", "r2", "x_next", "r9")                                                                                         \
    HELIUM_WIDEN_EVEN("4", "5") HELIUM_WIDEN_ODD("5", "5") HELIUM_WIDEN_EVEN("6", "7") HELIUM_WIDEN_ODD("7", "7")                          \
    "vfma.f32 q0, q4, q6\n"                                                                                                                \
    "vfma.f32 q1, q5, q7\n"                                                                                                                \
    DEPTHWISE_F16_LOAD("q7", "r3", "x_next", "r9")                                                                                         \
    HELIUM_WIDEN_EVEN("6", "7") HELIUM_WIDEN_ODD("7", "7")                                                                                 \
    "vfma.f32 q2, q4, q6\n"                                                                                                                \
    "vfma.f32 q3, q5, q7\n"

static inline void depthwise_conv2d_f16_mve_outputs(const depthwise_conv2d_f16_mve_params *,
                                                    const depthwise_f16_block *, int32_t)
    __attribute__((always_inline)); /* so that the parameters are constants of the assembly */
static inline void depthwise_conv2d_f16_mve(const depthwise_conv2d_f16_mve_params *, const uint16_t *, const uint16_t *, const float *,
                                            uint16_t *) __attribute__((always_inline));

/* Eight channels of two pixels, or as many as there are unless `whole`. */
static inline void depthwise_conv2d_f16_mve_outputs(const depthwise_conv2d_f16_mve_params *p,
                                                    const depthwise_f16_block *block, int32_t whole)
{
    register const depthwise_f16_block *at __asm("r1") = block;
    __asm volatile(HELIUM_F16_ON
                   "ldrd r2, r3, [r1]\n"
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
                   "2:\n" DEPTHWISE_F16_STEP
                   "le lr, 2b\n"
                   "add r2, r10\n"
                   "add r3, r10\n"
                   "add r6, r12\n"
                   "subs r7, #1\n"
                   "bne 1b\n"
                   "3: vldrw.u32 q6, [r0]\n"
                   "vldrw.u32 q7, [r0, #16]\n"
                   HELIUM_WIDE_BIAS("q0", "q1") HELIUM_WIDE_BIAS("q2", "q3") HELIUM_WIDE_BOUNDS
                   HELIUM_WIDE_NARROW("0", "1") HELIUM_WIDE_NARROW("2", "3")
                   "ldr lr, [r1, #64]\n"
                   "ldrd r2, r3, [r1, #48]\n"
                   "vctp.16 lr\n"
                   "vpstt\n"
                   "vstrht.16 q0, [r2]\n"
                   "vstrht.16 q2, [r3]\n"
                   : "+r"(at)
                   : HELIUM_WIDE_END(p->end), [whole] "i"(whole), [w_next] "i"(2 * p->window.out_c),
                     [x_next] "i"(2 * p->window.dilation_w * p->window.in_pixel)
                   : HELIUM_F16_CLOBBERS);
}

/* x batches x in_h x in_w x in_c, w k_h x k_w x in_c, b groups of eight, the even ones first,
 * y batches x out_h x out_w x in_c */
static inline void depthwise_conv2d_f16_mve(const depthwise_conv2d_f16_mve_params *p, const uint16_t *x, const uint16_t *w,
                                            const float *b, uint16_t *y)
{
    const image_lines lines = lines_of(&p->window, p->down);
    for (line_place at = {0, 0, 0}; at.batch < p->window.batches;) {
        const int32_t pixels = pixels_at(&lines, at.place, 2);
        depthwise_f16_block block = depthwise_f16_at(&p->window, &lines, &at, pixels, 2, x, w, b, y);
        for (; block.channels > 0; depthwise_f16_next(&block, 2, 32)) {
            if (block.channels >= 8) {
                depthwise_conv2d_f16_mve_outputs(p, &block, 1);
            } else {
                depthwise_conv2d_f16_mve_outputs(p, &block, 0);
            }
        }
        next_place(&lines, &at, pixels);
    }
}

#undef DEPTHWISE_F16_STEP

#endif
