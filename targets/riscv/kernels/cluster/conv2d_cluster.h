/* conv2d on a cluster: each core computes its part of the rows. */
#ifndef TAPEOUT_CONV2D_CLUSTER_H
#define TAPEOUT_CONV2D_CLUSTER_H

#include "conv2d.h"
#include "cluster_window.h"

/* As conv2d_floats, of one image. */
static inline void conv2d_part(const conv2d_f32_params *p, float_format format, float_sums sums, const void *x, const void *w,
                               const void *b, void *y)
{
    const cluster_range rows = cluster_slice(p->window.out_h, 1);
    conv2d_f32_params mine = *p;
    mine.window = window_rows(&p->window, rows);
    conv2d_floats(&mine, format, sums, x, w, b, float_row(y, rows.begin, p->window.out_row, format));
}

typedef conv2d_f32_params conv2d_f32_cluster_params;

static inline void conv2d_f32_cluster(const conv2d_f32_params *p, const float *x, const float *w, const float *b, float *y)
{
    conv2d_part(p, FORMAT_F32, SUMS_F32, x, w, b, y);
}

typedef conv2d_f32_params conv2d_f32_fma_cluster_params;

static inline void conv2d_f32_fma_cluster(const conv2d_f32_params *p, const float *x, const float *w, const float *b, float *y)
{
    conv2d_part(p, FORMAT_F32, SUMS_F32_FMA, x, w, b, y);
}

typedef conv2d_f32_params conv2d_f16_cluster_params;

static inline void conv2d_f16_cluster(const conv2d_f32_params *p, const uint16_t *x, const uint16_t *w, const float *b,
                                      uint16_t *y)
{
    conv2d_part(p, FORMAT_F16, SUMS_F32, x, w, b, y);
}

typedef conv2d_f32_params conv2d_f16_fma_cluster_params;

static inline void conv2d_f16_fma_cluster(const conv2d_f32_params *p, const uint16_t *x, const uint16_t *w, const uint16_t *b,
                                          uint16_t *y)
{
    conv2d_part(p, FORMAT_F16, SUMS_F16, x, w, b, y);
}

typedef conv2d_f32_params conv2d_bf16_cluster_params;

static inline void conv2d_bf16_cluster(const conv2d_f32_params *p, const uint16_t *x, const uint16_t *w, const float *b,
                                       uint16_t *y)
{
    conv2d_part(p, FORMAT_BF16, SUMS_F32, x, w, b, y);
}

#endif
