/* depthwise_conv2d_input_gradient on a cluster: each core computes its part of the rows. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_INPUT_GRADIENT_CLUSTER_H
#define TAPEOUT_DEPTHWISE_CONV2D_INPUT_GRADIENT_CLUSTER_H

#include "depthwise_conv2d_input_gradient.h"
#include "cluster_window.h"

/* As depthwise_conv2d_input_gradient_floats, of one image. */
static inline void depthwise_conv2d_input_gradient_part(const depthwise_conv2d_input_gradient_f32_params *p, float_format format, float_sums sums,
                                                        const void *g, const void *w, void *dx)
{
    const cluster_range rows = cluster_slice(p->window.in_h, 1);
    depthwise_conv2d_input_gradient_f32_params mine = *p;
    mine.window = window_input_rows(&p->window, rows);
    depthwise_conv2d_input_gradient_floats(&mine, format, sums, g, w, float_row(dx, rows.begin, p->window.in_row, format));
}

typedef depthwise_conv2d_input_gradient_f32_params depthwise_conv2d_input_gradient_f32_cluster_params;

static inline void depthwise_conv2d_input_gradient_f32_cluster(const depthwise_conv2d_input_gradient_f32_params *p,
                                                               const float *g, const float *w, float *dx)
{
    depthwise_conv2d_input_gradient_part(p, FORMAT_F32, SUMS_F32, g, w, dx);
}

typedef depthwise_conv2d_input_gradient_f32_params depthwise_conv2d_input_gradient_f32_fma_cluster_params;

static inline void depthwise_conv2d_input_gradient_f32_fma_cluster(const depthwise_conv2d_input_gradient_f32_params *p,
                                                                   const float *g, const float *w, float *dx)
{
    depthwise_conv2d_input_gradient_part(p, FORMAT_F32, SUMS_F32_FMA, g, w, dx);
}

typedef depthwise_conv2d_input_gradient_f32_params depthwise_conv2d_input_gradient_f16_cluster_params;

static inline void depthwise_conv2d_input_gradient_f16_cluster(const depthwise_conv2d_input_gradient_f32_params *p,
                                                               const uint16_t *g, const uint16_t *w, uint16_t *dx)
{
    depthwise_conv2d_input_gradient_part(p, FORMAT_F16, SUMS_F32, g, w, dx);
}

typedef depthwise_conv2d_input_gradient_f32_params depthwise_conv2d_input_gradient_f16_fma_cluster_params;

static inline void depthwise_conv2d_input_gradient_f16_fma_cluster(const depthwise_conv2d_input_gradient_f32_params *p,
                                                                   const uint16_t *g, const uint16_t *w, uint16_t *dx)
{
    depthwise_conv2d_input_gradient_part(p, FORMAT_F16, SUMS_F16, g, w, dx);
}

typedef depthwise_conv2d_input_gradient_f32_params depthwise_conv2d_input_gradient_bf16_cluster_params;

static inline void depthwise_conv2d_input_gradient_bf16_cluster(const depthwise_conv2d_input_gradient_f32_params *p,
                                                                const uint16_t *g, const uint16_t *w, uint16_t *dx)
{
    depthwise_conv2d_input_gradient_part(p, FORMAT_BF16, SUMS_F32, g, w, dx);
}

#endif
