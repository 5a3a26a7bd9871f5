/* max_pool2d: maximum pooling of NHWC tensors.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/max_pool2d.py. */
#ifndef TAPEOUT_MAX_POOL2D_H
#define TAPEOUT_MAX_POOL2D_H

#include "fixed.h"
#include <math.h>

typedef struct {
    int32_t batches;
    int32_t in_h, in_w, in_c, in_row, in_pixel;     /* row and pixel strides count elements */
    int32_t out_h, out_w, out_c, out_row, out_pixel;
    int32_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int32_t lo, hi;
} max_pool2d_s8_params;

/* x batches x in_h x in_w x in_c, y batches x out_h x out_w x in_c */
static inline void max_pool2d_s8(const max_pool2d_s8_params *p, const int8_t *x, int8_t *y)
{
    for (int32_t row = 0; row < p->batches * p->out_h; row++) {
        const int32_t batch = row / p->out_h;
        const int32_t top = (row % p->out_h) * p->stride_h - p->pad_top;
        for (int32_t column = 0; column < p->out_w; column++) {
            const int32_t left = column * p->stride_w - p->pad_left;
            for (int32_t channel = 0; channel < p->in_c; channel++) {
                int32_t largest = INT8_MIN;
                for (int32_t i = 0; i < p->k_h; i++) {
                    const int32_t in_y = top + i * p->dilation_h;
                    if (in_y < 0 || in_y >= p->in_h) {
                        continue;
                    }
                    for (int32_t j = 0; j < p->k_w; j++) {
                        const int32_t in_x = left + j * p->dilation_w;
                        if (in_x < 0 || in_x >= p->in_w) {
                            continue;
                        }
                        const int32_t code = x[(batch * p->in_h + in_y) * p->in_row + in_x * p->in_pixel + channel];
                        largest = code > largest ? code : largest;
                    }
                }
                y[row * p->out_row + column * p->out_pixel + channel] = (int8_t)clamp(largest, p->lo, p->hi);
            }
        }
    }
}

typedef struct {
    int32_t batches;
    int32_t in_h, in_w, in_c, in_row, in_pixel;
    int32_t out_h, out_w, out_c, out_row, out_pixel;
    int32_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    float lo, hi;
} max_pool2d_f32_params;

/* Shapes as above. Elements replace the maximum when they are greater, so NaN never wins. */
static inline void max_pool2d_f32(const max_pool2d_f32_params *p, const float *x, float *y)
{
    for (int32_t row = 0; row < p->batches * p->out_h; row++) {
        const int32_t batch = row / p->out_h;
        const int32_t top = (row % p->out_h) * p->stride_h - p->pad_top;
        for (int32_t column = 0; column < p->out_w; column++) {
            const int32_t left = column * p->stride_w - p->pad_left;
            for (int32_t channel = 0; channel < p->in_c; channel++) {
                float largest = -INFINITY;
                for (int32_t i = 0; i < p->k_h; i++) {
                    const int32_t in_y = top + i * p->dilation_h;
                    if (in_y < 0 || in_y >= p->in_h) {
                        continue;
                    }
                    for (int32_t j = 0; j < p->k_w; j++) {
                        const int32_t in_x = left + j * p->dilation_w;
                        if (in_x < 0 || in_x >= p->in_w) {
                            continue;
                        }
                        const float element = x[(batch * p->in_h + in_y) * p->in_row + in_x * p->in_pixel + channel];
                        largest = element > largest ? element : largest;
                    }
                }
                largest = largest < p->lo ? p->lo : largest;
                y[row * p->out_row + column * p->out_pixel + channel] = largest > p->hi ? p->hi : largest;
            }
        }
    }
}

#endif
