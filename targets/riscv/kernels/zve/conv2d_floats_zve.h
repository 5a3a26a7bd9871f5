/* conv2d of floats on vectors, output channels in the lanes: three neighbouring pixels of a row at a time, two of f32, whose windows have
 * the same taps inside of x. Taps in the padding are no steps of a sum. */
#ifndef TAPEOUT_CONV2D_FLOATS_ZVE_H
#define TAPEOUT_CONV2D_FLOATS_ZVE_H

#include "floats_zve.h"
#include "window.h"

typedef struct {
    window_params window;
    zve_end end;
} conv2d_f32_zve_params;

typedef conv2d_f32_zve_params conv2d_f16_zve_params;
typedef conv2d_f32_zve_params conv2d_f16_fma_zve_params;

/* Windows of pixels side by side, of `runs` of `count` elements that are contiguous in x: from `x` on, the next pixel's `next` further,
 * their first weights at `tap`; fewer than `pixels` are some twice. Of the output: the first at `y`. */
typedef struct {
    int32_t x, next, tap, y;
    int32_t runs, count;
    int32_t pixels;
} conv2d_zve_block;

/* The block at `row`, over all batches, and `column`, of at most `most` pixels. */
static inline conv2d_zve_block conv2d_zve_at(const window_params *g, int32_t row, int32_t column, int32_t most)
{
    const window at = window_at(g, row, column);
    const int32_t columns = at.columns.last - at.columns.first, rows = at.rows.last - at.rows.first;
    int32_t pixels = 1;
    while (pixels < most && column + pixels < g->out_w && columns == g->k_w
           && (column + pixels) * g->stride_w - g->pad_left + g->k_w <= g->in_w) {
        pixels++;
    }
    return (conv2d_zve_block){
        at.origin + at.rows.first * g->dilation_h * g->in_row + at.columns.first * g->in_pixel, g->stride_w * g->in_pixel,
        (at.rows.first * g->k_w + at.columns.first) * g->in_c, row * g->out_row + column * g->out_pixel,
        columns > 0 && rows > 0 ? rows : 0, columns * g->in_c, pixels,
    };
}

/* `three` is whether registers are enough for three sums. */
#define CONV2D_ZVE(contract, element, bias_element, CONTRACT, sums, zero, load, vectors, three)                                            \
    static inline void conv2d_##contract##_zve_block(const conv2d_f32_zve_params *, const conv2d_zve_block *, const element *,             \
                                                     const element *, const bias_element *, element *) __attribute__((always_inline));     \
    static inline void conv2d_##contract##_zve_block(const conv2d_f32_zve_params *p, const conv2d_zve_block *at, const element *x,         \
                                                     const element *w, const bias_element *b, element *y)                                  \
    {                                                                                                                                      \
        const window_params *g = &p->window;                                                                                               \
        const int32_t second = at->pixels > 1 ? 1 : 0, third = at->pixels - 1;                                                             \
        const int32_t x_step = g->dilation_h * g->in_row - at->count, w_step = (g->k_w * g->in_c - at->count) * g->out_c;                  \
        size_t vl;                                                                                                                         \
        for (int32_t first = 0; first < g->out_c; first += (int32_t)vl) {                                                                  \
            vl = vectors((size_t)(g->out_c - first));                                                                                      \
            const element *x0 = x + at->x, *x1 = x0 + second * at->next, *x2 = x0 + third * at->next;                                      \
            const element *tap = w + at->tap * g->out_c + first;                                                                           \
            sums sum0 = zero, sum1 = sum0, sum2 = sum0;                                                                                    \
            for (int32_t run = 0; run < at->runs; run++) {                                                                                 \
                _Pragma("clang loop unroll_count(4)") for (int32_t i = 0; i < at->count; i++)                                              \
                {                                                                                                                          \
                    sum0 = ZVE_STEP_##CONTRACT(sum0, *x0++, load(tap, vl), vl);                                                            \
                    sum1 = ZVE_STEP_##CONTRACT(sum1, *x1++, load(tap, vl), vl);                                                            \
                    if (three) {                                                                                                           \
                        sum2 = ZVE_STEP_##CONTRACT(sum2, *x2++, load(tap, vl), vl);                                                        \
                    }                                                                                                                      \
                    tap += g->out_c;                                                                                                       \
                }                                                                                                                          \
                x0 += x_step;                                                                                                              \
                x1 += x_step;                                                                                                              \
                x2 += x_step;                                                                                                              \
                tap += w_step;                                                                                                             \
            }                                                                                                                              \
            element *const to = y + at->y + first;                                                                                         \
            ZVE_END_##CONTRACT(&p->end, sum0, b + first, to, vl);                                                                          \
            ZVE_END_##CONTRACT(&p->end, sum1, b + first, to + second * g->out_pixel, vl);                                                  \
            if (three) {                                                                                                                   \
                ZVE_END_##CONTRACT(&p->end, sum2, b + first, to + third * g->out_pixel, vl);                                               \
            }                                                                                                                              \
        }                                                                                                                                  \
    }

#define CONV2D_ZVE_THREE(contract, element, bias_element, CONTRACT, sums, zero, load, vectors)                                             \
    CONV2D_ZVE(contract, element, bias_element, CONTRACT, sums, zero, load, vectors, ZVE_THREE_##CONTRACT)
#define ZVE_THREE_F16_FMA 1
#define ZVE_THREE_F16 1
#define ZVE_THREE_F32 0 /* products take registers too */

ZVE_FOR_EACH_CONTRACT(CONV2D_ZVE_THREE)

/* x batches x in_h x in_w x in_c, w k_h x k_w x in_c x out_c, b out_c, y batches x out_h x out_w x out_c */
static inline void conv2d_f16_fma_zve(const conv2d_f16_fma_zve_params *p, const uint16_t *x, const uint16_t *w, const uint16_t *b, uint16_t *y)
{
    for (int32_t row = 0; row < p->window.batches * p->window.out_h; row++) {
        for (int32_t column = 0; column < p->window.out_w;) {
            const conv2d_zve_block at = conv2d_zve_at(&p->window, row, column, 3);
            conv2d_f16_fma_zve_block(p, &at, (const zve_f16 *)x, (const zve_f16 *)w, (const zve_f16 *)b, (zve_f16 *)y);
            column += at.pixels;
        }
    }
}

static inline void conv2d_f16_zve(const conv2d_f16_zve_params *p, const uint16_t *x, const uint16_t *w, const float *b, uint16_t *y)
{
    for (int32_t row = 0; row < p->window.batches * p->window.out_h; row++) {
        for (int32_t column = 0; column < p->window.out_w;) {
            const conv2d_zve_block at = conv2d_zve_at(&p->window, row, column, 3);
            conv2d_f16_zve_block(p, &at, (const zve_f16 *)x, (const zve_f16 *)w, b, (zve_f16 *)y);
            column += at.pixels;
        }
    }
}

static inline void conv2d_f32_zve(const conv2d_f32_zve_params *p, const float *x, const float *w, const float *b, float *y)
{
    for (int32_t row = 0; row < p->window.batches * p->window.out_h; row++) {
        for (int32_t column = 0; column < p->window.out_w;) {
            const conv2d_zve_block at = conv2d_zve_at(&p->window, row, column, 2);
            conv2d_f32_zve_block(p, &at, x, w, b, y);
            column += at.pixels;
        }
    }
}

#undef CONV2D_ZVE
#undef CONV2D_ZVE_THREE

#endif
