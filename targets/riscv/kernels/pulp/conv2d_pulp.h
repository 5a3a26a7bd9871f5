/* conv2d with fused sums on PULP's cores: each core its part of the pixels, the lanes of a register neighbouring output channels. */
#ifndef TAPEOUT_CONV2D_PULP_H
#define TAPEOUT_CONV2D_PULP_H

#include "conv2d.h"
#include "pulp.h"

/* x, b and y as for conv2d_floats; t k_h x k_w x in_c x out_c. */
static inline void conv2d_pulp(const conv2d_f32_params *p, float_format format, const void *x, const void *t, const void *b, void *y)
{
    const window_params *g = &p->window;
    const int32_t bytes = pulp_bytes(format), tap = bytes * g->in_c * g->out_c;
    const int32_t together = g->dilation_w == 1 && g->in_pixel == g->in_c; /* the taps of a row lie side by side in x */
    const cluster_range part = cluster_slice(g->batches * g->out_h * g->out_w, 1);
    for (int32_t pixel = part.begin; pixel < part.end; pixel++) {
        const int32_t row = pixel / g->out_w, column = pixel % g->out_w;
        const window at = window_at(g, row, column);
        const int32_t columns = at.columns.last - at.columns.first;
        const int32_t in = at.origin + at.rows.first * g->dilation_h * g->in_row + at.columns.first * g->dilation_w * g->in_pixel;
        const pulp_products sums = {
            .x = (const uint8_t *)x + bytes * in,
            .w = (const uint8_t *)t + (at.rows.first * g->k_w + at.columns.first) * tap,
            .outer = at.rows.last - at.rows.first, .x_outer = bytes * g->dilation_h * g->in_row, .w_outer = tap * g->k_w,
            .inner = together ? 1 : columns, .x_inner = bytes * g->dilation_w * g->in_pixel, .w_inner = tap,
            .count = columns > 0 ? (together ? columns : 1) * g->in_c : 0, .x_step = bytes, .w_step = bytes * g->out_c,
        };
        uint8_t *to = (uint8_t *)y + bytes * (row * g->out_row + column * g->out_pixel);
        pulp_outputs(format, &sums, &(const pulp_result){b, to, 1, p->lo, p->hi}, g->out_c);
    }
}

typedef conv2d_f32_params conv2d_f32_fma_pulp_params;
typedef conv2d_f32_params conv2d_f16_fma_pulp_params;
typedef conv2d_f32_params conv2d_f32_fma_pulp_packed_params;
typedef conv2d_f32_params conv2d_f16_fma_pulp_packed_params;

/* For weights that change: t is scratch. */
static inline void conv2d_f16_fma_pulp(const conv2d_f32_params *p, const uint16_t *x, const uint16_t *w, const uint16_t *b, uint16_t *y,
                                       uint8_t *t)
{
    const window_params *g = &p->window;
    pulp_transpose(FORMAT_F16, w, g->out_c, g->k_h * g->k_w * g->in_c, t);
    conv2d_pulp(p, FORMAT_F16, x, t, b, y);
}

static inline void conv2d_f32_fma_pulp(const conv2d_f32_params *p, const float *x, const float *w, const float *b, float *y, uint8_t *t)
{
    const window_params *g = &p->window;
    pulp_transpose(FORMAT_F32, w, g->out_c, g->k_h * g->k_w * g->in_c, t);
    conv2d_pulp(p, FORMAT_F32, x, t, b, y);
}

static inline void conv2d_f16_fma_pulp_packed(const conv2d_f32_params *p, const uint16_t *x, const uint16_t *t, const uint16_t *b, uint16_t *y)
{
    conv2d_pulp(p, FORMAT_F16, x, t, b, y);
}

static inline void conv2d_f32_fma_pulp_packed(const conv2d_f32_params *p, const float *x, const float *t, const float *b, float *y)
{
    conv2d_pulp(p, FORMAT_F32, x, t, b, y);
}

#endif
