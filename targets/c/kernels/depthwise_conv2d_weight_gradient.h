/* depthwise_conv2d_weight_gradient: the gradient of the weights of depthwise_conv2d.
 * Portable. The definition is compiler/ops/depthwise_conv2d_weight_gradient.py. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_WEIGHT_GRADIENT_H
#define TAPEOUT_DEPTHWISE_CONV2D_WEIGHT_GRADIENT_H

#include "window.h"

typedef struct {
    window_params window; /* of depthwise_conv2d: x is its input, g has the shape of its output */
} depthwise_conv2d_weight_gradient_f32_params;

/* x batches x in_h x in_w x in_c, g batches x out_h x out_w x out_c, dw k_h x k_w x out_c.
 * Each sum runs from +0 over the pixels of g, its products rounded; taps in the padding are no steps. */
static inline void depthwise_conv2d_weight_gradient_f32(const depthwise_conv2d_weight_gradient_f32_params *p, const float *x, const float *g,
                                                        float *dw)
{
    const window_params *w = &p->window;
    const int32_t multiplier = w->out_c / w->in_c;
    for (int32_t i = 0; i < w->k_h * w->k_w * w->out_c; i++) {
        dw[i] = 0.0f;
    }
    for (int32_t row = 0; row < w->batches * w->out_h; row++) {
        for (int32_t column = 0; column < w->out_w; column++) {
            const window at = window_at(w, row, column);
            const float *scale = g + row * w->out_row + column * w->out_pixel;
            for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                    const float *in = x + at.origin + i * w->dilation_h * w->in_row + j * w->dilation_w * w->in_pixel;
                    for (int32_t o = 0; o < w->out_c; o++) {
                        dw[(i * w->k_w + j) * w->out_c + o] += scale[o] * in[o / multiplier];
                    }
                }
            }
        }
    }
}

#endif
