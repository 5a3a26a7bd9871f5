/* conv2d_weight_gradient: the gradient of the weights of conv2d. Portable. The definition is compiler/ops/conv2d_weight_gradient.py. */
#ifndef TAPEOUT_CONV2D_WEIGHT_GRADIENT_H
#define TAPEOUT_CONV2D_WEIGHT_GRADIENT_H

#include "window.h"

typedef struct {
    window_params window; /* of conv2d: x is its input, g has the shape of its output */
    int32_t groups;
} conv2d_weight_gradient_f32_params;

/* x batches x in_h x in_w x in_c, g batches x out_h x out_w x out_c, dw out_c x k_h x k_w x in_c / groups.
 * Each sum runs from +0 over the pixels of g, its products rounded; taps in the padding are no steps. */
static inline void conv2d_weight_gradient_f32(const conv2d_weight_gradient_f32_params *p, const float *x, const float *g, float *dw)
{
    const window_params *w = &p->window;
    const int32_t inputs = w->in_c / p->groups;
    const int32_t outputs = w->out_c / p->groups;
    for (int32_t i = 0; i < w->out_c * w->k_h * w->k_w * inputs; i++) {
        dw[i] = 0.0f;
    }
    for (int32_t row = 0; row < w->batches * w->out_h; row++) {
        for (int32_t column = 0; column < w->out_w; column++) {
            const window at = window_at(w, row, column);
            for (int32_t o = 0; o < w->out_c; o++) {
                const float scale = g[row * w->out_row + column * w->out_pixel + o];
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                        const int32_t in = at.origin + i * w->dilation_h * w->in_row + j * w->dilation_w * w->in_pixel + o / outputs * inputs;
                        const int32_t tap = ((o * w->k_h + i) * w->k_w + j) * inputs;
                        for (int32_t c = 0; c < inputs; c++) {
                            dw[tap + c] += scale * x[in + c];
                        }
                    }
                }
            }
        }
    }
}

#endif
