/* depthwise_conv2d with fused sums on PULP's cores: each core its part of the pixels, the lanes of a register neighbouring
 * channels, one output channel for each input channel. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_PULP_H
#define TAPEOUT_DEPTHWISE_CONV2D_PULP_H

#include "depthwise_conv2d.h"
#include "pulp.h"

/* Shapes as for depthwise_conv2d_floats. */
static inline void depthwise_conv2d_pulp(const depthwise_conv2d_f32_params *p, float_format format, const void *x, const void *w,
                                         const void *b, void *y)
{
    const window_params *g = &p->window;
    const int32_t bytes = pulp_bytes(format), tap = bytes * g->out_c;
    const cluster_range part = cluster_slice(g->batches * g->out_h * g->out_w, 1);
    for (int32_t pixel = part.begin; pixel < part.end; pixel++) {
        const int32_t row = pixel / g->out_w, column = pixel % g->out_w;
        const window at = window_at(g, row, column);
        const int32_t in = at.origin + at.rows.first * g->dilation_h * g->in_row + at.columns.first * g->dilation_w * g->in_pixel;
        const pulp_products sums = {
            .x = (const uint8_t *)x + bytes * in,
            .w = (const uint8_t *)w + (at.rows.first * g->k_w + at.columns.first) * tap,
            .outer = at.rows.last - at.rows.first, .x_outer = bytes * g->dilation_h * g->in_row, .w_outer = tap * g->k_w, .inner = 1,
            .count = at.columns.last - at.columns.first, .x_step = bytes * g->dilation_w * g->in_pixel, .w_step = tap,
        };
        uint8_t *to = (uint8_t *)y + bytes * (row * g->out_row + column * g->out_pixel);
        pulp_sums(format, 1, &sums, &(const pulp_result){b, to, 1, p->lo, p->hi}, g->out_c);
    }
}

typedef depthwise_conv2d_f32_params depthwise_conv2d_f32_fma_pulp_params;
typedef depthwise_conv2d_f32_params depthwise_conv2d_f16_fma_pulp_params;

static inline void depthwise_conv2d_f16_fma_pulp(const depthwise_conv2d_f32_params *p,
                                                 const uint16_t *x, const uint16_t *w, const uint16_t *b, uint16_t *y)
{
    depthwise_conv2d_pulp(p, FORMAT_F16, x, w, b, y);
}

static inline void depthwise_conv2d_f32_fma_pulp(const depthwise_conv2d_f32_params *p,
                                                 const float *x, const float *w, const float *b, float *y)
{
    depthwise_conv2d_pulp(p, FORMAT_F32, x, w, b, y);
}

#endif
