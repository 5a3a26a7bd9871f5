/* depthwise_conv2d: each output channel reads one input channel; NHWC tensors, weights k_h x k_w x out_c.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/depthwise_conv2d.py. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_H
#define TAPEOUT_DEPTHWISE_CONV2D_H

#include "f16.h"
#include "fixed.h"
#include "window.h"
#include <stddef.h>

typedef struct {
    window_params window;
    int32_t multiplier;  /* output channels per input channel */
    int32_t x_zero, y_zero, lo, hi;
    int32_t per_channel; /* whether mul and shift hold one entry per output channel */
    rounding rounding;
} depthwise_conv2d_s8_params;

/* x batches x in_h x in_w x in_c, w k_h x k_w x out_c, b out_c or NULL, y batches x out_h x out_w x out_c.
 * Padding counts as x_zero, so taps outside of x add nothing. */
static inline void depthwise_conv2d_s8(const depthwise_conv2d_s8_params *p, const int8_t *x, const int8_t *w, const int32_t *b,
                                       const int32_t *mul, const int8_t *shift, int8_t *y)
{
    const window_params *g = &p->window;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            for (int32_t o = 0; o < g->out_c; o++) {
                const int32_t channel = p->multiplier == 1 ? o : o / p->multiplier;
                int32_t sum = b ? b[o] : 0;
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                        const int32_t code = x[at.origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + channel];
                        sum += (code - p->x_zero) * w[(i * g->k_w + j) * g->out_c + o];
                    }
                }
                const int32_t scaled = requantize(sum, mul[p->per_channel ? o : 0], shift[p->per_channel ? o : 0], p->rounding);
                y[row * g->out_row + column * g->out_pixel + o] = (int8_t)clamp(scaled + p->y_zero, p->lo, p->hi);
            }
        }
    }
}

typedef struct {
    window_params window;
    int32_t multiplier;
    float lo, hi;
} depthwise_conv2d_f32_params;

/* Shapes as above. The sum runs from +0 over i, j, by the rule of add_product; then b; then the clip.
 * Padding would add 0 * w to a float that is never -0, which changes no bit; fused sums, which may be -0, leave it out. */
static inline void depthwise_conv2d_floats(const depthwise_conv2d_f32_params *p, float_format format, float_sums sums, const void *x,
                                           const void *w, const void *b, void *y)
{
    const window_params *g = &p->window;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            for (int32_t o = 0; o < g->out_c; o++) {
                const int32_t channel = p->multiplier == 1 ? o : o / p->multiplier;
                float sum = 0.0f;
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                        const int32_t in = at.origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + channel;
                        const float tap = load_float(w, (i * g->k_w + j) * g->out_c + o, format);
                        sum = add_product(sum, load_float(x, in, format), tap, sums);
                    }
                }
                sum = finish_sum(sum, b, o, sums, p->lo, p->hi);
                store_float(y, row * g->out_row + column * g->out_pixel + o, format, sum);
            }
        }
    }
}

typedef depthwise_conv2d_f32_params depthwise_conv2d_f16_params;
typedef depthwise_conv2d_f32_params depthwise_conv2d_bf16_params;
typedef depthwise_conv2d_f32_params depthwise_conv2d_f16_fma_params;
typedef depthwise_conv2d_f32_params depthwise_conv2d_f32_fma_params;

static inline void depthwise_conv2d_f32(const depthwise_conv2d_f32_params *p, const float *x, const float *w, const float *b, float *y)
{
    depthwise_conv2d_floats(p, FORMAT_F32, SUMS_F32, x, w, b, y);
}

static inline void depthwise_conv2d_f16(const depthwise_conv2d_f16_params *p, const uint16_t *x, const uint16_t *w, const float *b, uint16_t *y)
{
    depthwise_conv2d_floats(p, FORMAT_F16, SUMS_F32, x, w, b, y);
}

static inline void depthwise_conv2d_bf16(const depthwise_conv2d_bf16_params *p, const uint16_t *x, const uint16_t *w, const float *b, uint16_t *y)
{
    depthwise_conv2d_floats(p, FORMAT_BF16, SUMS_F32, x, w, b, y);
}

static inline void depthwise_conv2d_f16_fma(const depthwise_conv2d_f16_fma_params *p, const uint16_t *x, const uint16_t *w, const uint16_t *b, uint16_t *y)
{
    depthwise_conv2d_floats(p, FORMAT_F16, SUMS_F16, x, w, b, y);
}

static inline void depthwise_conv2d_f32_fma(const depthwise_conv2d_f32_fma_params *p, const float *x, const float *w, const float *b, float *y)
{
    depthwise_conv2d_floats(p, FORMAT_F32, SUMS_F32_FMA, x, w, b, y);
}

#endif
