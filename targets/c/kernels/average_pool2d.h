/* average_pool2d: average pooling of NHWC tensors.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/average_pool2d.py. */
#ifndef TAPEOUT_AVERAGE_POOL2D_H
#define TAPEOUT_AVERAGE_POOL2D_H

#include "fixed.h"

typedef struct {
    int32_t batches;
    int32_t in_h, in_w, in_c, in_row, in_pixel;     /* row and pixel strides count elements */
    int32_t out_h, out_w, out_c, out_row, out_pixel;
    int32_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int32_t count_include_pad;                      /* whether padding counts in the divisor, as x_zero */
    int32_t x_zero, lo, hi;
    rounding rounding;
} average_pool2d_s8_params;

/* x batches x in_h x in_w x in_c, y batches x out_h x out_w x in_c */
static inline void average_pool2d_s8(const average_pool2d_s8_params *p, const int8_t *x, int8_t *y)
{
    for (int32_t row = 0; row < p->batches * p->out_h; row++) {
        const int32_t batch = row / p->out_h;
        const int32_t top = (row % p->out_h) * p->stride_h - p->pad_top;
        for (int32_t column = 0; column < p->out_w; column++) {
            const int32_t left = column * p->stride_w - p->pad_left;
            for (int32_t channel = 0; channel < p->in_c; channel++) {
                int32_t sum = 0;
                int32_t count = 0;
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
                        sum += x[(batch * p->in_h + in_y) * p->in_row + in_x * p->in_pixel + channel];
                        count++;
                    }
                }
                if (p->count_include_pad) {
                    sum += (p->k_h * p->k_w - count) * p->x_zero;
                    count = p->k_h * p->k_w;
                }
                y[row * p->out_row + column * p->out_pixel + channel] = (int8_t)clamp(divide(sum, count, p->rounding), p->lo, p->hi);
            }
        }
    }
}

typedef struct {
    int32_t batches;
    int32_t in_h, in_w, in_c, in_row, in_pixel;
    int32_t out_h, out_w, out_c, out_row, out_pixel;
    int32_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int32_t count_include_pad;
    float lo, hi;
} average_pool2d_f32_params;

/* Shapes as above. The sum runs from +0 over i, j; then one division; then the clip. */
static inline void average_pool2d_f32(const average_pool2d_f32_params *p, const float *x, float *y)
{
    for (int32_t row = 0; row < p->batches * p->out_h; row++) {
        const int32_t batch = row / p->out_h;
        const int32_t top = (row % p->out_h) * p->stride_h - p->pad_top;
        for (int32_t column = 0; column < p->out_w; column++) {
            const int32_t left = column * p->stride_w - p->pad_left;
            for (int32_t channel = 0; channel < p->in_c; channel++) {
                float sum = 0.0f;
                int32_t count = 0;
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
                        sum += x[(batch * p->in_h + in_y) * p->in_row + in_x * p->in_pixel + channel];
                        count++;
                    }
                }
                float mean = sum / (float)(p->count_include_pad ? p->k_h * p->k_w : count);
                mean = mean < p->lo ? p->lo : mean;
                y[row * p->out_row + column * p->out_pixel + channel] = mean > p->hi ? p->hi : mean;
            }
        }
    }
}

#endif
