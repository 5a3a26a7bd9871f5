/* max_pool2d_gradient: the gradient of the input of max_pool2d. Portable. The definition is compiler/ops/max_pool2d_gradient.py. */
#ifndef TAPEOUT_MAX_POOL2D_GRADIENT_H
#define TAPEOUT_MAX_POOL2D_GRADIENT_H

#include "window.h"
#include <math.h>

typedef struct {
    window_params window; /* of max_pool2d: x is its input, g has the shape of its output */
} max_pool2d_gradient_f32_params;

/* The element that wins a window in the channel at which x begins; -1 when none does. */
static inline int32_t window_winner(const window_params *w, const window *at, const float *x)
{
    float largest = -INFINITY;
    int32_t winner = -1;
    for (int32_t i = at->rows.first; i < at->rows.last; i++) {
        for (int32_t j = at->columns.first; j < at->columns.last; j++) {
            const int32_t in = at->origin + i * w->dilation_h * w->in_row + j * w->dilation_w * w->in_pixel;
            if (x[in] > largest) {
                largest = x[in];
                winner = in;
            }
        }
    }
    return winner;
}

/* x and dx batches x in_h x in_w x in_c, g batches x out_h x out_w x in_c. Each sum runs from +0 over the windows. */
static inline void max_pool2d_gradient_f32(const max_pool2d_gradient_f32_params *p, const float *x, const float *g, float *dx)
{
    const window_params *w = &p->window;
    zero_channels(w, dx);
    for (int32_t row = 0; row < w->batches * w->out_h; row++) {
        for (int32_t column = 0; column < w->out_w; column++) {
            const window at = window_at(w, row, column);
            for (int32_t c = 0; c < w->in_c; c++) {
                const int32_t winner = window_winner(w, &at, x + c);
                if (winner >= 0) {
                    dx[winner + c] += g[row * w->out_row + column * w->out_pixel + c];
                }
            }
        }
    }
}

#endif
