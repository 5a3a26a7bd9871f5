/* conv2d: two-dimensional convolution of NHWC tensors with OHWI weights, with groups.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/conv2d.py. */
#ifndef TAPEOUT_CONV2D_H
#define TAPEOUT_CONV2D_H

#include "f16.h"
#include "fixed.h"
#include "window.h"
#include <stddef.h>

typedef struct {
    window_params window;
    int32_t groups;
    int32_t x_zero, y_zero, lo, hi;
    int32_t per_channel; /* whether mul and shift hold one entry per output channel */
    rounding rounding;
} conv2d_s8_params;

/* x batches x in_h x in_w x in_c, w out_c x k_h x k_w x in_c / groups, b out_c or NULL, y batches x out_h x out_w x out_c.
 * Padding counts as x_zero, so taps outside of x add nothing. */
static inline void conv2d_s8(const conv2d_s8_params *p, const int8_t *x, const int8_t *w, const int32_t *b,
                             const int32_t *mul, const int8_t *shift, int8_t *y)
{
    const window_params *g = &p->window;
    const int32_t inputs = g->in_c / p->groups;
    const int32_t outputs = g->out_c / p->groups;
    const int32_t together = g->dilation_w == 1 && g->in_pixel == inputs; /* the taps of a row lie side by side in x */
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            const int32_t step = together ? at.columns.last - at.columns.first : 1;
            for (int32_t o = 0; o < g->out_c; o++) {
                int32_t sum = b ? b[o] : 0;
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    for (int32_t j = at.columns.first; j < at.columns.last; j += step) {
                        const int8_t *in = x + at.origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + o / outputs * inputs;
                        const int8_t *tap = w + ((o * g->k_h + i) * g->k_w + j) * inputs;
                        for (int32_t c = 0; c < step * inputs; c++) {
                            sum += (in[c] - p->x_zero) * tap[c];
                        }
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
    int32_t groups;
    float lo, hi;
} conv2d_f32_params;

/* Shapes as above. The sum runs from +0 over i, j, c, by the rule of add_product; then b; then the clip.
 * Padding would add 0 * w to a float that is never -0, which changes no bit; fused sums, which may be -0, leave it out. */
static inline void conv2d_floats(const conv2d_f32_params *p, float_format format, float_sums sums, const void *x, const void *w,
                                 const void *b, void *y)
{
    const window_params *g = &p->window;
    const int32_t inputs = g->in_c / p->groups;
    const int32_t outputs = g->out_c / p->groups;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            for (int32_t o = 0; o < g->out_c; o++) {
                float sum = 0.0f;
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                        const int32_t in = at.origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + o / outputs * inputs;
                        const int32_t tap = ((o * g->k_h + i) * g->k_w + j) * inputs;
                        for (int32_t c = 0; c < inputs; c++) {
                            sum = add_product(sum, load_float(x, in + c, format), load_float(w, tap + c, format), sums);
                        }
                    }
                }
                sum = finish_sum(sum, b, o, sums, p->lo, p->hi);
                store_float(y, row * g->out_row + column * g->out_pixel + o, format, sum);
            }
        }
    }
}

typedef conv2d_f32_params conv2d_f16_params;
typedef conv2d_f32_params conv2d_bf16_params;
typedef conv2d_f32_params conv2d_f16_fma_params;
typedef conv2d_f32_params conv2d_f32_fma_params;

static inline void conv2d_f32(const conv2d_f32_params *p, const float *x, const float *w, const float *b, float *y)
{
    conv2d_floats(p, FORMAT_F32, SUMS_F32, x, w, b, y);
}

static inline void conv2d_f16(const conv2d_f16_params *p, const uint16_t *x, const uint16_t *w, const float *b, uint16_t *y)
{
    conv2d_floats(p, FORMAT_F16, SUMS_F32, x, w, b, y);
}

static inline void conv2d_bf16(const conv2d_bf16_params *p, const uint16_t *x, const uint16_t *w, const float *b, uint16_t *y)
{
    conv2d_floats(p, FORMAT_BF16, SUMS_F32, x, w, b, y);
}

static inline void conv2d_f16_fma(const conv2d_f16_fma_params *p, const uint16_t *x, const uint16_t *w, const uint16_t *b, uint16_t *y)
{
    conv2d_floats(p, FORMAT_F16, SUMS_F16, x, w, b, y);
}

static inline void conv2d_f32_fma(const conv2d_f32_fma_params *p, const float *x, const float *w, const float *b, float *y)
{
    conv2d_floats(p, FORMAT_F32, SUMS_F32_FMA, x, w, b, y);
}

#endif
