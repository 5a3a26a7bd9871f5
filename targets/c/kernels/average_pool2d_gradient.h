/* average_pool2d_gradient: the gradient of the input of average_pool2d.
 * Portable. The definition is compiler/ops/average_pool2d_gradient.py. */
#ifndef TAPEOUT_AVERAGE_POOL2D_GRADIENT_H
#define TAPEOUT_AVERAGE_POOL2D_GRADIENT_H

#include "window.h"

typedef struct {
    window_params window; /* of average_pool2d: dx has the shape of its input, g that of its output */
    int32_t count_include_pad;
} average_pool2d_gradient_f32_params;

/* g batches x out_h x out_w x in_c, dx batches x in_h x in_w x in_c. Each sum runs from +0 over the windows. */
static inline void average_pool2d_gradient_f32(const average_pool2d_gradient_f32_params *p, const float *g, float *dx)
{
    const window_params *w = &p->window;
    zero_channels(w, dx);
    for (int32_t row = 0; row < w->batches * w->out_h; row++) {
        for (int32_t column = 0; column < w->out_w; column++) {
            const window at = window_at(w, row, column);
            const int32_t inside = (at.rows.last - at.rows.first) * (at.columns.last - at.columns.first);
            const float count = (float)(p->count_include_pad ? w->k_h * w->k_w : inside);
            for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                    float *to = dx + at.origin + i * w->dilation_h * w->in_row + j * w->dilation_w * w->in_pixel;
                    for (int32_t c = 0; c < w->in_c; c++) {
                        to[c] += g[row * w->out_row + column * w->out_pixel + c] / count;
                    }
                }
            }
        }
    }
}

#endif
