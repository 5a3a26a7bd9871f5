/* depthwise_conv2d_input_gradient: the gradient of the input of depthwise_conv2d.
 * Portable. The definition is compiler/ops/depthwise_conv2d_input_gradient.py. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_INPUT_GRADIENT_H
#define TAPEOUT_DEPTHWISE_CONV2D_INPUT_GRADIENT_H

#include "window.h"

typedef struct {
    window_params window; /* of depthwise_conv2d: dx has the shape of its input, g that of its output */
} depthwise_conv2d_input_gradient_f32_params;

/* The sums of the channels of one element of dx. */
static inline void depthwise_conv2d_input_gradient_pixel(const window_params *s, const float *g, const float *w, int32_t row,
                                                         int32_t column, float *dx)
{
    const int32_t multiplier = s->out_c / s->in_c;
    for (int32_t i = 0; i < s->k_h; i++) {
        const int32_t from_row = window_with_tap(row % s->in_h, i, s->stride_h, s->dilation_h, s->pad_top, s->out_h);
        for (int32_t j = 0; j < s->k_w; j++) {
            const int32_t from_column = window_with_tap(column, j, s->stride_w, s->dilation_w, s->pad_left, s->out_w);
            if (from_row < 0 || from_column < 0) {
                continue;
            }
            const float *from = g + (row / s->in_h * s->out_h + from_row) * s->out_row + from_column * s->out_pixel;
            const float *tap = w + (i * s->k_w + j) * s->out_c;
            for (int32_t o = 0; o < s->out_c; o++) {
                dx[o / multiplier] += from[o] * tap[o];
            }
        }
    }
}

/* g batches x out_h x out_w x out_c, w k_h x k_w x out_c, dx batches x in_h x in_w x in_c.
 * Each sum runs from +0 over i, j, o, its products rounded. */
static inline void depthwise_conv2d_input_gradient_f32(const depthwise_conv2d_input_gradient_f32_params *p, const float *g, const float *w,
                                                       float *dx)
{
    const window_params *s = &p->window;
    for (int32_t row = 0; row < s->batches * s->in_h; row++) {
        for (int32_t column = 0; column < s->in_w; column++) {
            float *to = dx + row * s->in_row + column * s->in_pixel;
            for (int32_t c = 0; c < s->in_c; c++) {
                to[c] = 0.0f;
            }
            depthwise_conv2d_input_gradient_pixel(s, g, w, row, column, to);
        }
    }
}

#endif
