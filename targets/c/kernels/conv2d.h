/* conv2d: two-dimensional convolution of NHWC tensors with OHWI weights, with groups.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/conv2d.py. */
#ifndef TAPEOUT_CONV2D_H
#define TAPEOUT_CONV2D_H

#include "fixed.h"
#include <stddef.h>

typedef struct {
    int32_t batches;
    int32_t in_h, in_w, in_c, in_row, in_pixel;     /* row and pixel strides count elements */
    int32_t out_h, out_w, out_c, out_row, out_pixel;
    int32_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int32_t groups;
    int32_t x_zero, y_zero, lo, hi;
    int32_t per_channel;                            /* whether mul and shift hold one entry per output channel */
    rounding rounding;
} conv2d_s8_params;

/* x batches x in_h x in_w x in_c, w out_c x k_h x k_w x in_c / groups, b out_c or NULL, y batches x out_h x out_w x out_c */
static inline void conv2d_s8(const conv2d_s8_params *p, const int8_t *x, const int8_t *w, const int32_t *b,
                             const int32_t *mul, const int8_t *shift, int8_t *y)
{
    const int32_t inputs = p->in_c / p->groups;
    const int32_t outputs = p->out_c / p->groups;
    for (int32_t row = 0; row < p->batches * p->out_h; row++) {
        const int32_t batch = row / p->out_h;
        const int32_t top = (row % p->out_h) * p->stride_h - p->pad_top;
        for (int32_t column = 0; column < p->out_w; column++) {
            const int32_t left = column * p->stride_w - p->pad_left;
            for (int32_t o = 0; o < p->out_c; o++) {
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
                        const int8_t *pixel = x + (batch * p->in_h + in_y) * p->in_row + in_x * p->in_pixel + o / outputs * inputs;
                        const int8_t *tap = w + ((o * p->k_h + i) * p->k_w + j) * inputs;
                        for (int32_t c = 0; c < inputs; c++) {
                            sum += (pixel[c] - p->x_zero) * tap[c];
                        }
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
    int32_t groups;
    float lo, hi;
} conv2d_f32_params;

/* Shapes as above. The sum runs from +0 over i, j, c, each product rounded before its sum; then b; then the clip. */
static inline void conv2d_f32(const conv2d_f32_params *p, const float *x, const float *w, const float *b, float *y)
{
    const int32_t inputs = p->in_c / p->groups;
    const int32_t outputs = p->out_c / p->groups;
    for (int32_t row = 0; row < p->batches * p->out_h; row++) {
        const int32_t batch = row / p->out_h;
        const int32_t top = (row % p->out_h) * p->stride_h - p->pad_top;
        for (int32_t column = 0; column < p->out_w; column++) {
            const int32_t left = column * p->stride_w - p->pad_left;
            for (int32_t o = 0; o < p->out_c; o++) {
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
                        const float *pixel = x + (batch * p->in_h + in_y) * p->in_row + in_x * p->in_pixel + o / outputs * inputs;
                        const float *tap = w + ((o * p->k_h + i) * p->k_w + j) * inputs;
                        for (int32_t c = 0; c < inputs; c++) {
                            sum += pixel[c] * tap[c];
                        }
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
