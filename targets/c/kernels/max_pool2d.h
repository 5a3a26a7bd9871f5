/* max_pool2d: maximum pooling of NHWC tensors.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/max_pool2d.py. */
#ifndef TAPEOUT_MAX_POOL2D_H
#define TAPEOUT_MAX_POOL2D_H

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
static inline void max_pool2d_f32(const max_pool2d_f32_params *p, const float *x, float *y)
{
    const window_params *g = &p->window;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            for (int32_t channel = 0; channel < g->in_c; channel++) {
                float largest = -INFINITY;
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                        const float element = x[at.origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + channel];
                        largest = element > largest ? element : largest;
                    }
                }
                largest = largest < p->lo ? p->lo : largest;
                y[row * g->out_row + column * g->out_pixel + channel] = largest > p->hi ? p->hi : largest;
            }
        }
    }
}

#endif
