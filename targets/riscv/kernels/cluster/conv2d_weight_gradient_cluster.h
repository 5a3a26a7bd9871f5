/* conv2d_weight_gradient on a cluster: each core sums its part of the taps of all channels. */
#ifndef TAPEOUT_CONV2D_WEIGHT_GRADIENT_CLUSTER_H
#define TAPEOUT_CONV2D_WEIGHT_GRADIENT_CLUSTER_H

#include "conv2d_weight_gradient.h"
#include "cluster.h"

/* As conv2d_weight_gradient_floats. */
static inline void conv2d_weight_gradient_part(const conv2d_weight_gradient_f32_params *p, float_format format, float_sums sums,
                                               const void *x, const void *g, void *dw)
{
    const window_params *w = &p->window;
    const int32_t inputs = w->in_c / p->groups, outputs = w->out_c / p->groups, taps = w->k_h * w->k_w;
    const cluster_range part = cluster_slice(w->out_c * taps, 1);
    for (int32_t item = part.begin; item < part.end; item++) {
        const int32_t o = item / taps;
        const windows_of_tap at = windows_with_tap(w, item % taps / w->k_w, item % taps % w->k_w);
        for (int32_t c = 0; c < inputs; c++) {
            float sum = 0.0f;
            for (int32_t image = 0; image < w->batches; image++) {
                const int32_t in = image * w->in_h * w->in_row + at.origin + o / outputs * inputs + c;
                sum = add_windows(w, &at, format, sums, x, in, g, image * w->out_h * w->out_row + o, sum);
            }
            store_float(dw, item * inputs + c, format, sum);
        }
    }
}

typedef conv2d_weight_gradient_f32_params conv2d_weight_gradient_f32_cluster_params;

static inline void conv2d_weight_gradient_f32_cluster(const conv2d_weight_gradient_f32_params *p, const float *x, const float *g,
                                                      float *dw)
{
    conv2d_weight_gradient_part(p, FORMAT_F32, SUMS_F32, x, g, dw);
}

typedef conv2d_weight_gradient_f32_params conv2d_weight_gradient_f32_fma_cluster_params;

static inline void conv2d_weight_gradient_f32_fma_cluster(const conv2d_weight_gradient_f32_params *p, const float *x,
                                                          const float *g, float *dw)
{
    conv2d_weight_gradient_part(p, FORMAT_F32, SUMS_F32_FMA, x, g, dw);
}

typedef conv2d_weight_gradient_f32_params conv2d_weight_gradient_f16_cluster_params;

static inline void conv2d_weight_gradient_f16_cluster(const conv2d_weight_gradient_f32_params *p, const uint16_t *x,
                                                      const uint16_t *g, uint16_t *dw)
{
    conv2d_weight_gradient_part(p, FORMAT_F16, SUMS_F32, x, g, dw);
}

typedef conv2d_weight_gradient_f32_params conv2d_weight_gradient_f16_fma_cluster_params;

static inline void conv2d_weight_gradient_f16_fma_cluster(const conv2d_weight_gradient_f32_params *p, const uint16_t *x,
                                                          const uint16_t *g, uint16_t *dw)
{
    conv2d_weight_gradient_part(p, FORMAT_F16, SUMS_F16, x, g, dw);
}

typedef conv2d_weight_gradient_f32_params conv2d_weight_gradient_bf16_cluster_params;

static inline void conv2d_weight_gradient_bf16_cluster(const conv2d_weight_gradient_f32_params *p, const uint16_t *x,
                                                       const uint16_t *g, uint16_t *dw)
{
    conv2d_weight_gradient_part(p, FORMAT_BF16, SUMS_F32, x, g, dw);
}

#endif
