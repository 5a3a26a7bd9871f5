/* depthwise_conv2d_weight_gradient with fused sums on PULP's cores: each core its part of the taps, the lanes of a register neighbouring
 * channels, one output channel for each input channel. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_WEIGHT_GRADIENT_PULP_H
#define TAPEOUT_DEPTHWISE_CONV2D_WEIGHT_GRADIENT_PULP_H

#include "depthwise_conv2d_weight_gradient.h"
#include "pulp.h"

/* Shapes as for depthwise_conv2d_weight_gradient_floats. */
static inline void depthwise_conv2d_weight_gradient_pulp(const depthwise_conv2d_weight_gradient_f32_params *p, float_format format,
                                                         const void *x, const void *g, void *dw)
{
    const window_params *s = &p->window;
    const int32_t bytes = pulp_bytes(format);
    const cluster_range part = cluster_slice(s->k_h * s->k_w, 1);
    for (int32_t tap = part.begin; tap < part.end; tap++) {
        const windows_of_tap at = windows_with_tap(s, tap / s->k_w, tap % s->k_w);
        const int32_t from = at.rows.first * s->stride_h * s->in_row + at.columns.first * s->stride_w * s->in_pixel;
        const pulp_products sums = {
            .x = (const uint8_t *)x + bytes * (at.origin + from),
            .w = (const uint8_t *)g + bytes * (at.rows.first * s->out_row + at.columns.first * s->out_pixel),
            .outer = s->batches, .x_outer = bytes * s->in_h * s->in_row, .w_outer = bytes * s->out_h * s->out_row,
            .inner = at.rows.last - at.rows.first, .x_inner = bytes * s->stride_h * s->in_row, .w_inner = bytes * s->out_row,
            .count = at.columns.last - at.columns.first, .x_step = bytes * s->stride_w * s->in_pixel, .w_step = bytes * s->out_pixel,
        };
        uint8_t *to = (uint8_t *)dw + bytes * tap * s->out_c;
        pulp_sums(format, 1, &sums, &(const pulp_result){NULL, to, 1, float_of_bits(0xff800000u), float_of_bits(0x7f800000u)}, s->out_c);
    }
}

typedef depthwise_conv2d_weight_gradient_f32_params depthwise_conv2d_weight_gradient_f32_fma_pulp_params;
typedef depthwise_conv2d_weight_gradient_f32_params depthwise_conv2d_weight_gradient_f16_fma_pulp_params;

static inline void depthwise_conv2d_weight_gradient_f16_fma_pulp(const depthwise_conv2d_weight_gradient_f32_params *p,
                                                                 const uint16_t *x, const uint16_t *g, uint16_t *dw)
{
    depthwise_conv2d_weight_gradient_pulp(p, FORMAT_F16, x, g, dw);
}

static inline void depthwise_conv2d_weight_gradient_f32_fma_pulp(const depthwise_conv2d_weight_gradient_f32_params *p,
                                                                 const float *x, const float *g, float *dw)
{
    depthwise_conv2d_weight_gradient_pulp(p, FORMAT_F32, x, g, dw);
}

#endif
