/* conv2d_input_gradient on a cluster: each core computes its part of the rows. */
#ifndef TAPEOUT_CONV2D_INPUT_GRADIENT_CLUSTER_H
#define TAPEOUT_CONV2D_INPUT_GRADIENT_CLUSTER_H

#include "conv2d_input_gradient.h"
#include "cluster_window.h"

/* As conv2d_input_gradient_floats, of one image. */
static inline void conv2d_input_gradient_part(const conv2d_input_gradient_f32_params *p, float_format format, float_sums sums,
                                              const void *g, const void *w, void *dx)
{
    const cluster_range rows = cluster_slice(p->window.in_h, 1);
    conv2d_input_gradient_f32_params mine = *p;
    mine.window = window_input_rows(&p->window, rows);
    conv2d_input_gradient_floats(&mine, format, sums, g, w, float_row(dx, rows.begin, p->window.in_row, format));
}

typedef conv2d_input_gradient_f32_params conv2d_input_gradient_f32_cluster_params;

static inline void conv2d_input_gradient_f32_cluster(const conv2d_input_gradient_f32_params *p, const float *g, const float *w,
                                                     float *dx)
{
    conv2d_input_gradient_part(p, FORMAT_F32, SUMS_F32, g, w, dx);
}

typedef conv2d_input_gradient_f32_params conv2d_input_gradient_f32_fma_cluster_params;

static inline void conv2d_input_gradient_f32_fma_cluster(const conv2d_input_gradient_f32_params *p, const float *g,
                                                         const float *w, float *dx)
{
    conv2d_input_gradient_part(p, FORMAT_F32, SUMS_F32_FMA, g, w, dx);
}

typedef conv2d_input_gradient_f32_params conv2d_input_gradient_f16_cluster_params;

static inline void conv2d_input_gradient_f16_cluster(const conv2d_input_gradient_f32_params *p, const uint16_t *g,
                                                     const uint16_t *w, uint16_t *dx)
{
    conv2d_input_gradient_part(p, FORMAT_F16, SUMS_F32, g, w, dx);
}

typedef conv2d_input_gradient_f32_params conv2d_input_gradient_f16_fma_cluster_params;

static inline void conv2d_input_gradient_f16_fma_cluster(const conv2d_input_gradient_f32_params *p, const uint16_t *g,
                                                         const uint16_t *w, uint16_t *dx)
{
    conv2d_input_gradient_part(p, FORMAT_F16, SUMS_F16, g, w, dx);
}

typedef conv2d_input_gradient_f32_params conv2d_input_gradient_bf16_cluster_params;

static inline void conv2d_input_gradient_bf16_cluster(const conv2d_input_gradient_f32_params *p, const uint16_t *g,
                                                      const uint16_t *w, uint16_t *dx)
{
    conv2d_input_gradient_part(p, FORMAT_BF16, SUMS_F32, g, w, dx);
}

#endif
