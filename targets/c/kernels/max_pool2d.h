/* max_pool2d: maximum pooling of NHWC tensors.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/max_pool2d.py. */
#ifndef TAPEOUT_MAX_POOL2D_H
#define TAPEOUT_MAX_POOL2D_H

#include "f16.h"
#include "fixed.h"
#include "window.h"
#include <math.h>

typedef struct {
    window_params window;
    int32_t lo, hi;
} max_pool2d_s8_params;

/* x batches x in_h x in_w x in_c, y batches x out_h x out_w x in_c */
static inline void max_pool2d_s8(const max_pool2d_s8_params *p, const int8_t *x, int8_t *y)
{
    const window_params *g = &p->window;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            for (int32_t channel = 0; channel < g->in_c; channel++) {
                int32_t largest = INT8_MIN;
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                        const int32_t code = x[at.origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + channel];
                        largest = code > largest ? code : largest;
                    }
                }
                y[row * g->out_row + column * g->out_pixel + channel] = (int8_t)clamp(largest, p->lo, p->hi);
            }
        }
    }
}

typedef struct {
    window_params window;
    float lo, hi;
} max_pool2d_f32_params;

/* Shapes as above. Elements replace the maximum when they are greater, so NaN never wins. */
static inline void max_pool2d_floats(const max_pool2d_f32_params *p, float_format format, const void *x, void *y)
{
    const window_params *g = &p->window;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            for (int32_t channel = 0; channel < g->in_c; channel++) {
                float largest = -INFINITY;
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                        const int32_t in = at.origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + channel;
                        const float element = load_float(x, in, format);
                        largest = element > largest ? element : largest;
                    }
                }
                const int32_t out = row * g->out_row + column * g->out_pixel + channel;
                store_float(y, out, format, clip_float(largest, p->lo, p->hi));
            }
        }
    }
}

typedef max_pool2d_f32_params max_pool2d_f16_params;
typedef max_pool2d_f32_params max_pool2d_bf16_params;

static inline void max_pool2d_f32(const max_pool2d_f32_params *p, const float *x, float *y)
{
    max_pool2d_floats(p, FORMAT_F32, x, y);
}

static inline void max_pool2d_f16(const max_pool2d_f16_params *p, const uint16_t *x, uint16_t *y)
{
    max_pool2d_floats(p, FORMAT_F16, x, y);
}

static inline void max_pool2d_bf16(const max_pool2d_bf16_params *p, const uint16_t *x, uint16_t *y)
{
    max_pool2d_floats(p, FORMAT_BF16, x, y);
}

#endif
