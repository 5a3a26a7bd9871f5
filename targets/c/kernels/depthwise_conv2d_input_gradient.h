/* depthwise_conv2d_input_gradient: the gradient of the input of depthwise_conv2d. Portable: direct loops, no scratch memory.
 * The definition is compiler/ops/depthwise_conv2d_input_gradient.py. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_INPUT_GRADIENT_H
#define TAPEOUT_DEPTHWISE_CONV2D_INPUT_GRADIENT_H

#include "f16.h"
#include "window.h"

typedef struct {
    window_params window; /* of depthwise_conv2d: dx has the shape of its input, g that of its output */
} depthwise_conv2d_input_gradient_f32_params;

/* The sum of one element of dx, in channel c, over the taps i, j with which windows reach it, and o. */
static inline float depthwise_conv2d_input_gradient_sum(const window_params *s, float_format format, float_sums sums, const void *g,
                                                        const void *w, int32_t image, const taps_reaching *rows,
                                                        const taps_reaching *columns, int32_t c)
{
    const int32_t multiplier = s->out_c / s->in_c;
    float sum = 0.0f;
    int32_t from_row = rows->window;
    for (int32_t i = rows->first; i < rows->last; i += rows->step, from_row -= rows->back) {
        int32_t from_column = columns->window;
        for (int32_t j = columns->first; j < columns->last; j += columns->step, from_column -= columns->back) {
            const int32_t from = (image * s->out_h + from_row) * s->out_row + from_column * s->out_pixel;
            for (int32_t o = c * multiplier; o < (c + 1) * multiplier; o++) {
                const float tap = load_float(w, (i * s->k_w + j) * s->out_c + o, format);
                sum = add_product(sum, load_float(g, from + o, format), tap, sums);
            }
        }
    }
    return sum;
}

/* g batches x out_h x out_w x out_c, w k_h x k_w x out_c, dx batches x in_h x in_w x in_c.
 * Each sum runs from +0, by the rule of add_product. */
static inline void depthwise_conv2d_input_gradient_floats(const depthwise_conv2d_input_gradient_f32_params *p, float_format format,
                                                          float_sums sums, const void *g, const void *w, void *dx)
{
    const window_params *s = &p->window;
    for (int32_t row = 0; row < s->batches * s->in_h; row++) {
        const taps_reaching rows = taps_on(row % s->in_h, s->k_h, s->stride_h, s->dilation_h, s->pad_top, s->out_h);
        for (int32_t column = 0; column < s->in_w; column++) {
            const taps_reaching columns = taps_on(column, s->k_w, s->stride_w, s->dilation_w, s->pad_left, s->out_w);
            for (int32_t c = 0; c < s->in_c; c++) {
                const float sum = depthwise_conv2d_input_gradient_sum(s, format, sums, g, w, row / s->in_h, &rows, &columns, c);
                store_float(dx, row * s->in_row + column * s->in_pixel + c, format, sum);
            }
        }
    }
}

typedef depthwise_conv2d_input_gradient_f32_params depthwise_conv2d_input_gradient_f32_fma_params;
typedef depthwise_conv2d_input_gradient_f32_params depthwise_conv2d_input_gradient_f16_params;
typedef depthwise_conv2d_input_gradient_f32_params depthwise_conv2d_input_gradient_f16_fma_params;
typedef depthwise_conv2d_input_gradient_f32_params depthwise_conv2d_input_gradient_bf16_params;

static inline void depthwise_conv2d_input_gradient_f32(const depthwise_conv2d_input_gradient_f32_params *p, const float *g, const float *w,
                                                       float *dx)
{
    depthwise_conv2d_input_gradient_floats(p, FORMAT_F32, SUMS_F32, g, w, dx);
}

static inline void depthwise_conv2d_input_gradient_f32_fma(const depthwise_conv2d_input_gradient_f32_fma_params *p, const float *g,
                                                           const float *w,
                                                           float *dx)
{
    depthwise_conv2d_input_gradient_floats(p, FORMAT_F32, SUMS_F32_FMA, g, w, dx);
}

static inline void depthwise_conv2d_input_gradient_f16(const depthwise_conv2d_input_gradient_f16_params *p, const uint16_t *g,
                                                       const uint16_t *w,
                                                       uint16_t *dx)
{
    depthwise_conv2d_input_gradient_floats(p, FORMAT_F16, SUMS_F32, g, w, dx);
}

static inline void depthwise_conv2d_input_gradient_f16_fma(const depthwise_conv2d_input_gradient_f16_fma_params *p, const uint16_t *g,
                                                           const uint16_t *w,
                                                           uint16_t *dx)
{
    depthwise_conv2d_input_gradient_floats(p, FORMAT_F16, SUMS_F16, g, w, dx);
}

static inline void depthwise_conv2d_input_gradient_bf16(const depthwise_conv2d_input_gradient_bf16_params *p, const uint16_t *g,
                                                        const uint16_t *w,
                                                        uint16_t *dx)
{
    depthwise_conv2d_input_gradient_floats(p, FORMAT_BF16, SUMS_F32, g, w, dx);
}

#endif
