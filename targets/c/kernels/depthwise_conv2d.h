/* depthwise_conv2d: each output channel reads one input channel; NHWC tensors, weights k_h x k_w x out_c.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/depthwise_conv2d.py. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_H
#define TAPEOUT_DEPTHWISE_CONV2D_H

#include "fixed.h"
#include <stddef.h>

typedef struct {
    int32_t batches;
    int32_t in_h, in_w, in_c, in_row, in_pixel;     /* row and pixel strides count elements */
    int32_t out_h, out_w, out_c, out_row, out_pixel;
    int32_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int32_t multiplier;                             /* output channels per input channel */
    int32_t x_zero, y_zero, lo, hi;
    int32_t per_channel;                            /* whether mul and shift hold one entry per output channel */
    rounding rounding;
} depthwise_conv2d_s8_params;

/* x batches x in_h x in_w x in_c, w k_h x k_w x out_c, b out_c or NULL, y batches x out_h x out_w x out_c */
static inline void depthwise_conv2d_s8(const depthwise_conv2d_s8_params *p, const int8_t *x, const int8_t *w, const int32_t *b,
                                       const int32_t *mul, const int8_t *shift, int8_t *y)
{
    for (int32_t row = 0; row < p->batches * p->out_h; row++) {
        const int32_t batch = row / p->out_h;
        const int32_t top = (row % p->out_h) * p->stride_h - p->pad_top;
        for (int32_t column = 0; column < p->out_w; column++) {
            const int32_t left = column * p->stride_w - p->pad_left;
            for (int32_t o = 0; o < p->out_c; o++) {
                const int32_t channel = o / p->multiplier;
                int32_t sum = b ? b[o] : 0;
                for (int32_t i = 0; i < p->k_h; i++) {
                    const int32_t in_y = top + i * p->dilation_h;
                    if (in_y < 0 || in_y >= p->in_h) {
                        continue; /* padding counts as x_zero and adds nothing */
                    }
                    for (int32_t j = 0; j < p->k_w; j++) {
                        const int32_t in_x = left + j * p->dilation_w;
                        if (in_x < 0 || in_x >= p->in_w) {
                            continue;
                        }
                        const int32_t code = x[(batch * p->in_h + in_y) * p->in_row + in_x * p->in_pixel + channel];
                        sum += (code - p->x_zero) * w[(i * p->k_w + j) * p->out_c + o];
                    }
                }
                const int32_t scaled = requantize(sum, mul[p->per_channel ? o : 0], shift[p->per_channel ? o : 0], p->rounding);
                y[row * p->out_row + column * p->out_pixel + o] = (int8_t)clamp(scaled + p->y_zero, p->lo, p->hi);
            }
        }
    }
}

typedef struct {
    int32_t batches;
    int32_t in_h, in_w, in_c, in_row, in_pixel;
    int32_t out_h, out_w, out_c, out_row, out_pixel;
    int32_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int32_t multiplier;
    float lo, hi;
} depthwise_conv2d_f32_params;

/* Shapes as above. The sum runs from +0 over i, j, each product rounded before its sum; then b; then the clip. */
static inline void depthwise_conv2d_f32(const depthwise_conv2d_f32_params *p, const float *x, const float *w, const float *b, float *y)
{
    for (int32_t row = 0; row < p->batches * p->out_h; row++) {
        const int32_t batch = row / p->out_h;
        const int32_t top = (row % p->out_h) * p->stride_h - p->pad_top;
        for (int32_t column = 0; column < p->out_w; column++) {
            const int32_t left = column * p->stride_w - p->pad_left;
            for (int32_t o = 0; o < p->out_c; o++) {
                const int32_t channel = o / p->multiplier;
                float sum = 0.0f;
                for (int32_t i = 0; i < p->k_h; i++) {
                    const int32_t in_y = top + i * p->dilation_h;
                    if (in_y < 0 || in_y >= p->in_h) {
                        continue; /* adding 0 * w to a sum that is never -0 changes no bit */
                    }
                    for (int32_t j = 0; j < p->k_w; j++) {
                        const int32_t in_x = left + j * p->dilation_w;
                        if (in_x < 0 || in_x >= p->in_w) {
                            continue;
                        }
                        const float element = x[(batch * p->in_h + in_y) * p->in_row + in_x * p->in_pixel + channel];
                        sum += element * w[(i * p->k_w + j) * p->out_c + o];
                    }
                }
                sum = b ? sum + b[o] : sum;
                sum = sum < p->lo ? p->lo : sum;
                y[row * p->out_row + column * p->out_pixel + o] = sum > p->hi ? p->hi : sum;
            }
        }
    }
}

#endif
