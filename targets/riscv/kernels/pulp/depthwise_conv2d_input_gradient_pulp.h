/* depthwise_conv2d_input_gradient with fused sums on PULP's cores: each core its part of the pixels, the lanes of a register neighbouring
 * channels, one output channel for each input channel. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_INPUT_GRADIENT_PULP_H
#define TAPEOUT_DEPTHWISE_CONV2D_INPUT_GRADIENT_PULP_H

#include "depthwise_conv2d_input_gradient.h"
#include "pulp.h"
#include "pulp_taps.h"

/* Shapes as for depthwise_conv2d_input_gradient_floats. */
static inline void depthwise_conv2d_input_gradient_pulp(const depthwise_conv2d_input_gradient_f32_params *p, float_format format,
                                                        const void *g, const void *w, void *dx)
{
    const window_params *s = &p->window;
    const int32_t bytes = pulp_bytes(format), tap = bytes * s->out_c;
    const cluster_range part = cluster_slice(s->batches * s->in_h * s->in_w, 1);
    for (int32_t pixel = part.begin; pixel < part.end; pixel++) {
        const int32_t row = pixel / s->in_w, column = pixel % s->in_w;
        const pulp_taps rows = pulp_taps_on(row % s->in_h, s->k_h, s->stride_h, s->dilation_h, s->pad_top, s->out_h);
        const pulp_taps columns = pulp_taps_on(column, s->k_w, s->stride_w, s->dilation_w, s->pad_left, s->out_w);
        const int32_t from = (row / s->in_h * s->out_h + rows.window) * s->out_row + columns.window * s->out_pixel;
        const pulp_products sums = {
            .x = (const uint8_t *)g + bytes * from,
            .w = (const uint8_t *)w + (rows.first * s->k_w + columns.first) * tap,
            .outer = rows.count, .x_outer = -bytes * rows.back * s->out_row, .w_outer = rows.step * s->k_w * tap, .inner = 1,
            .count = columns.count, .x_step = -bytes * columns.back * s->out_pixel, .w_step = columns.step * tap,
        };
        uint8_t *to = (uint8_t *)dx + bytes * (row * s->in_row + column * s->in_pixel);
        pulp_sums(format, 1, &sums, &(const pulp_result){NULL, to, 1, float_of_bits(0xff800000u), float_of_bits(0x7f800000u)}, s->in_c);
    }
}

typedef depthwise_conv2d_input_gradient_f32_params depthwise_conv2d_input_gradient_f32_fma_pulp_params;
typedef depthwise_conv2d_input_gradient_f32_params depthwise_conv2d_input_gradient_f16_fma_pulp_params;

static inline void depthwise_conv2d_input_gradient_f16_fma_pulp(const depthwise_conv2d_input_gradient_f32_params *p,
                                                                const uint16_t *g, const uint16_t *w, uint16_t *dx)
{
    depthwise_conv2d_input_gradient_pulp(p, FORMAT_F16, g, w, dx);
}

static inline void depthwise_conv2d_input_gradient_f32_fma_pulp(const depthwise_conv2d_input_gradient_f32_params *p,
                                                                const float *g, const float *w, float *dx)
{
    depthwise_conv2d_input_gradient_pulp(p, FORMAT_F32, g, w, dx);
}

#endif
