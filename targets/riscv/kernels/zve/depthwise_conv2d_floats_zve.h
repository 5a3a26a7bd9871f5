/* depthwise_conv2d of floats on vectors, channels in the lanes. Taps in the padding are no steps of a sum. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_FLOATS_ZVE_H
#define TAPEOUT_DEPTHWISE_CONV2D_FLOATS_ZVE_H

#include "floats_zve.h"
#include "window.h"

typedef struct {
    window_params window;
    zve_end end;
} depthwise_conv2d_f32_zve_params;

typedef depthwise_conv2d_f32_zve_params depthwise_conv2d_f16_zve_params;
typedef depthwise_conv2d_f32_zve_params depthwise_conv2d_f16_fma_zve_params;

#define DEPTHWISE_ZVE(contract, element, bias_element, CONTRACT, sums, zero, load, vectors)                                                \
    static inline void depthwise_##contract##_zve_pixel(const depthwise_conv2d_f32_zve_params *, const window *, const element *,          \
                                                        const element *, const bias_element *, element *)                                  \
        __attribute__((always_inline));                                                                                                    \
    static inline void depthwise_##contract##_zve_pixel(const depthwise_conv2d_f32_zve_params *p, const window *at, const element *x,      \
                                                        const element *w, const bias_element *b, element *y)                               \
    {                                                                                                                                      \
        const window_params *g = &p->window;                                                                                               \
        size_t vl;                                                                                                                         \
        for (int32_t first = 0; first < g->out_c; first += (int32_t)vl) {                                                                  \
            vl = vectors((size_t)(g->out_c - first));                                                                                      \
            sums sum = zero;                                                                                                               \
            for (int32_t i = at->rows.first; i < at->rows.last; i++) {                                                                     \
                const element *in = x + at->origin + i * g->dilation_h * g->in_row + at->columns.first * g->dilation_w * g->in_pixel       \
                                    + first;                                                                                               \
                const element *tap = w + (i * g->k_w + at->columns.first) * g->out_c + first;                                              \
                for (int32_t j = at->columns.first; j < at->columns.last; j++) {                                                           \
                    sum = ZVE_LANES_##CONTRACT(sum, load(in, vl), load(tap, vl), vl);                                                      \
                    in += g->dilation_w * g->in_pixel;                                                                                     \
                    tap += g->out_c;                                                                                                       \
                }                                                                                                                          \
            }                                                                                                                              \
            ZVE_END_##CONTRACT(&p->end, sum, b + first, y + first, vl);                                                                    \
        }                                                                                                                                  \
    }                                                                                                                                      \
    static inline void depthwise_##contract##_zve_pixels(const depthwise_conv2d_f32_zve_params *p, const element *x, const element *w,     \
                                                         const bias_element *b, element *y)                                                \
    {                                                                                                                                      \
        const window_params *g = &p->window;                                                                                               \
        for (int32_t row = 0; row < g->batches * g->out_h; row++) {                                                                        \
            for (int32_t column = 0; column < g->out_w; column++) {                                                                        \
                window at = window_at(g, row, column);                                                                                     \
                element *to = y + row * g->out_row + column * g->out_pixel;                                                                \
                if (at.rows.last - at.rows.first == g->k_h && at.columns.last - at.columns.first == g->k_w) { /* of known ends */          \
                    at.rows = (taps){0, g->k_h};                                                                                           \
                    at.columns = (taps){0, g->k_w};                                                                                        \
                    depthwise_##contract##_zve_pixel(p, &at, x, w, b, to);                                                                 \
                } else {                                                                                                                   \
                    depthwise_##contract##_zve_pixel(p, &at, x, w, b, to);                                                                 \
                }                                                                                                                          \
            }                                                                                                                              \
        }                                                                                                                                  \
    }

ZVE_FOR_EACH_CONTRACT(DEPTHWISE_ZVE)

/* x batches x in_h x in_w x in_c, w k_h x k_w x out_c, b out_c, y batches x out_h x out_w x out_c, out_c = in_c */
static inline void depthwise_conv2d_f16_fma_zve(const depthwise_conv2d_f16_fma_zve_params *p, const uint16_t *x, const uint16_t *w,
                                                const uint16_t *b, uint16_t *y)
{
    depthwise_f16_fma_zve_pixels(p, (const zve_f16 *)x, (const zve_f16 *)w, (const zve_f16 *)b, (zve_f16 *)y);
}

static inline void depthwise_conv2d_f16_zve(const depthwise_conv2d_f16_zve_params *p, const uint16_t *x, const uint16_t *w, const float *b,
                                            uint16_t *y)
{
    depthwise_f16_zve_pixels(p, (const zve_f16 *)x, (const zve_f16 *)w, b, (zve_f16 *)y);
}

static inline void depthwise_conv2d_f32_zve(const depthwise_conv2d_f32_zve_params *p, const float *x, const float *w, const float *b, float *y)
{
    depthwise_f32_zve_pixels(p, x, w, b, y);
}

#undef DEPTHWISE_ZVE

#endif
