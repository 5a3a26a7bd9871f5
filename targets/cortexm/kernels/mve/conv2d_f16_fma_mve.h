/* conv2d of f16 with sums in f16 on Helium: three pixels by 16 output channels at a time, or by 8 at the end; see helium_f16.h.
 * The pixels lie side by side, or below one another. Pixels whose windows meet the padding at the ends of such a line are computed one
 * by one, as taps in the padding are no steps of a sum. */
#ifndef TAPEOUT_CONV2D_F16_FMA_MVE_H
#define TAPEOUT_CONV2D_F16_FMA_MVE_H

#include "helium_f16.h"
#include "lines.h"

typedef struct {
    window_params window;
    int32_t down; /* whether the three lie below one another */
    helium_f16_end end;
} conv2d_f16_fma_mve_params;

/* What the assembly reads by r1. Windows are `runs` of `count` elements that are contiguous in x; fewer pixels are some twice. */
typedef struct {
    const uint16_t *x[3];
    const uint16_t *w;
    int32_t count, runs;
    int32_t x_step, w_step; /* bytes from the end of a run to the next one */
    const uint16_t *b;
    uint16_t *y[3];
    int32_t channels; /* outputs that exist */
} conv2d_f16_fma_mve_block;

/* An element of each window by the weights of all channels. */
#define CONV2D_F16_STEP                                                                                                                    \
    "vldrh.u16 q6, [r5], #16\n"                                                                                                            \
    "ldrh r0, [r2], #2\n"                                                                                                                  \
    ".if %c[wide]\n"                                                                                                                       \
    "vldrh.u16 q7, [r5], #16\n"                                                                                                            \
    ".endif\n"                                                                                                                             \
    "ldrh r10, [r3], #2\n"                                                                                                                 \
    "vfma.f16 q0, q6, r0\n"                                                                                                                \
    "ldrh r11, [r4], #2\n"                                                                                                                 \
    "vfma.f16 q2, q6, r10\n"                                                                                                               \
    "vfma.f16 q4, q6, r11\n"                                                                                                               \
    ".if %c[wide]\n"                                                                                                                       \
    "vfma.f16 q1, q7, r0\n"                                                                                                                \
    "vfma.f16 q3, q7, r10\n"                                                                                                               \
    "vfma.f16 q5, q7, r11\n"                                                                                                               \
    ".endif\n"

/* Clips and stores three vectors; r6 counts the channels that exist. */
#define CONV2D_F16_STORE(first, second, third, offset)                                                                                     \
    HELIUM_F16_CLIP(first) HELIUM_F16_CLIP(second) HELIUM_F16_CLIP(third)                                                                  \
    "vctp.16 r6\n"                                                                                                                         \
    "vpsttt\n"                                                                                                                             \
    "vstrht.16 " first ", [r2, #" offset "]\n"                                                                                             \
    "vstrht.16 " second ", [r3, #" offset "]\n"                                                                                            \
    "vstrht.16 " third ", [r4, #" offset "]\n"

static inline void conv2d_f16_fma_mve_outputs(const conv2d_f16_fma_mve_params *, const conv2d_f16_fma_mve_block *, int32_t)
    __attribute__((always_inline)); /* so that the parameters are constants of the assembly */
static inline void conv2d_f16_fma_mve_pixels(const conv2d_f16_fma_mve_params *, const image_lines *, const line_place *, int32_t,
                                             const uint16_t *, const uint16_t *, const uint16_t *, uint16_t *)
    __attribute__((always_inline));
static inline void conv2d_f16_fma_mve(const conv2d_f16_fma_mve_params *, const uint16_t *, const uint16_t *, const uint16_t *, uint16_t *)
    __attribute__((always_inline));

/* 16 channels of three pixels, or 8 unless `wide`. */
static inline void conv2d_f16_fma_mve_outputs(const conv2d_f16_fma_mve_params *p, const conv2d_f16_fma_mve_block *block, int32_t wide)
{
    register const conv2d_f16_fma_mve_block *at __asm("r1") = block;
    __asm volatile(HELIUM_F16_ON
                   "ldrd r2, r3, [r1]\n"
                   "ldrd r4, r5, [r1, #8]\n"
                   "ldrd r6, r7, [r1, #16]\n"
                   "ldrd r8, r9, [r1, #24]\n"
                   "vmov.i32 q0, #0\n"
                   "vmov.i32 q2, #0\n"
                   "vmov.i32 q4, #0\n"
                   ".if %c[wide]\n"
                   "vmov.i32 q1, #0\n"
                   "vmov.i32 q3, #0\n"
                   "vmov.i32 q5, #0\n"
                   ".endif\n"
                   "cmp r7, #0\n"
                   "beq.w 5f\n"
                   "1: lsr r12, r6, #1\n"
                   "wls lr, r12, 3f\n"
                   "2:\n" CONV2D_F16_STEP CONV2D_F16_STEP
                   "le lr, 2b\n"
                   "3: tst r6, #1\n"
                   "beq 4f\n" CONV2D_F16_STEP
                   "4: add r2, r8\n"
                   "add r3, r8\n"
                   "add r4, r8\n"
                   "add r5, r9\n"
                   "subs r7, #1\n"
                   "bne 1b\n"
                   "5: ldrd r0, r2, [r1, #32]\n"
                   "ldrd r3, r4, [r1, #40]\n"
                   "ldr r6, [r1, #48]\n"
                   ".if %c[biased]\n"
                   "vldrh.u16 q6, [r0]\n"
                   ".if %c[wide]\n"
                   "vldrh.u16 q7, [r0, #16]\n"
                   ".endif\n"
                   ".endif\n"
                   HELIUM_F16_BIAS("q0", "q6") HELIUM_F16_BIAS("q2", "q6") HELIUM_F16_BIAS("q4", "q6")
                   ".if %c[wide]\n"
                   HELIUM_F16_BIAS("q1", "q7") HELIUM_F16_BIAS("q3", "q7") HELIUM_F16_BIAS("q5", "q7")
                   ".endif\n" HELIUM_F16_BOUNDS CONV2D_F16_STORE("q0", "q2", "q4", "0")
                   ".if %c[wide]\n"
                   "subs r6, #8\n"
                   CONV2D_F16_STORE("q1", "q3", "q5", "16")
                   ".endif\n"
                   : "+r"(at)
                   : HELIUM_F16_END(p->end), [wide] "i"(wide)
                   : HELIUM_F16_CLOBBERS);
}

/* All channels of one to three pixels of a line from a place on. */
static inline void conv2d_f16_fma_mve_pixels(const conv2d_f16_fma_mve_params *p, const image_lines *lines, const line_place *at,
                                             int32_t pixels, const uint16_t *x, const uint16_t *w, const uint16_t *b, uint16_t *y)
{
    const window_params *g = &p->window;
    const window from = window_of(g, lines, at);
    const int32_t columns = from.columns.last - from.columns.first, taps = g->k_h * g->k_w * g->in_c, out = output_of(g, lines, at);
    const int32_t skipped = (from.rows.first * g->k_w + from.columns.first) * g->in_c;
    const uint16_t *in = x + from.origin + from.rows.first * g->dilation_h * g->in_row + from.columns.first * g->in_c;
    const int32_t second = pixels > 1 ? 1 : 0, third = pixels > 2 ? 2 : second;
    conv2d_f16_fma_mve_block block = {
        {in, in + second * lines->in, in + third * lines->in}, w, columns * g->in_c,
        columns > 0 && from.rows.last > from.rows.first ? from.rows.last - from.rows.first : 0,
        2 * (g->dilation_h * g->in_row - columns * g->in_c), 0, b, {y + out, y + out + second * lines->out, y + out + third * lines->out}, 0,
    };
    for (int32_t o = 0; o < g->out_c; o += 16) {
        const int32_t width = g->out_c - o > 8 ? 16 : 8;
        block.w = w + o * taps + skipped * width;
        block.w_step = 2 * (g->k_w - columns) * g->in_c * width;
        block.channels = g->out_c - o;
        if (width == 16) {
            conv2d_f16_fma_mve_outputs(p, &block, 1);
        } else {
            conv2d_f16_fma_mve_outputs(p, &block, 0);
        }
        block.b += 16;
        for (int32_t i = 0; i < 3; i++) {
            block.y[i] += 16;
        }
    }
}

/* x batches x in_h x in_w x in_c, w groups of 16 outputs, the last of 8 if it has no more: k_h x k_w x in_c x 16; b out_c or NULL,
 * y batches x out_h x out_w x out_c */
static inline void conv2d_f16_fma_mve(const conv2d_f16_fma_mve_params *p, const uint16_t *x, const uint16_t *w, const uint16_t *b,
                                      uint16_t *y)
{
    const image_lines lines = lines_of(&p->window, p->down);
    for (line_place at = {0, 0, 0}; at.batch < p->window.batches;) {
        const int32_t pixels = pixels_at(&lines, at.place, 3);
        conv2d_f16_fma_mve_pixels(p, &lines, &at, pixels, x, w, b, y);
        next_place(&lines, &at, pixels);
    }
}

#undef CONV2D_F16_STEP
#undef CONV2D_F16_STORE

#endif
