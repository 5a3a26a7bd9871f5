/* depthwise_conv2d on a cluster: each core computes its part of the rows. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_CLUSTER_H
#define TAPEOUT_DEPTHWISE_CONV2D_CLUSTER_H

#include "depthwise_conv2d.h"
#include "cluster_window.h"

/* As depthwise_conv2d_floats, of one image. */
static inline void depthwise_conv2d_part(const depthwise_conv2d_f32_params *p, float_format format, float_sums sums, const void *x, const void *w,
                                         const void *b, void *y)
{
    const cluster_range rows = cluster_slice(p->window.out_h, 1);
    depthwise_conv2d_f32_params mine = *p;
    mine.window = window_rows(&p->window, rows);
    depthwise_conv2d_floats(&mine, format, sums, x, w, b, float_row(y, rows.begin, p->window.out_row, format));
}

typedef depthwise_conv2d_f32_params depthwise_conv2d_f32_cluster_params;

static inline void depthwise_conv2d_f32_cluster(const depthwise_conv2d_f32_params *p, const float *x, const float *w,
                                                const float *b, float *y)
{
    depthwise_conv2d_part(p, FORMAT_F32, SUMS_F32, x, w, b, y);
}

typedef depthwise_conv2d_f32_params depthwise_conv2d_f32_fma_cluster_params;

static inline void depthwise_conv2d_f32_fma_cluster(const depthwise_conv2d_f32_params *p, const float *x, const float *w,
                                                    const float *b, float *y)
{
    depthwise_conv2d_part(p, FORMAT_F32, SUMS_F32_FMA, x, w, b, y);
}

typedef depthwise_conv2d_f32_params depthwise_conv2d_f16_cluster_params;

static inline void depthwise_conv2d_f16_cluster(const depthwise_conv2d_f32_params *p, const uint16_t *x, const uint16_t *w,
                                                const float *b, uint16_t *y)
{
    depthwise_conv2d_part(p, FORMAT_F16, SUMS_F32, x, w, b, y);
}

typedef depthwise_conv2d_f32_params depthwise_conv2d_f16_fma_cluster_params;

static inline void depthwise_conv2d_f16_fma_cluster(const depthwise_conv2d_f32_params *p, const uint16_t *x, const uint16_t *w,
                                                    const uint16_t *b, uint16_t *y)
{
    depthwise_conv2d_part(p, FORMAT_F16, SUMS_F16, x, w, b, y);
}

typedef depthwise_conv2d_f32_params depthwise_conv2d_bf16_cluster_params;

static inline void depthwise_conv2d_bf16_cluster(const depthwise_conv2d_f32_params *p, const uint16_t *x, const uint16_t *w,
                                                 const float *b, uint16_t *y)
{
    depthwise_conv2d_part(p, FORMAT_BF16, SUMS_F32, x, w, b, y);
}

#endif
