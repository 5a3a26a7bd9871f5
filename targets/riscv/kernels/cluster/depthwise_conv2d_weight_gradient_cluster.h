/* depthwise_conv2d_weight_gradient on a cluster: each core sums its part of the taps and channels. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_WEIGHT_GRADIENT_CLUSTER_H
#define TAPEOUT_DEPTHWISE_CONV2D_WEIGHT_GRADIENT_CLUSTER_H

#include "depthwise_conv2d_weight_gradient.h"
#include "cluster.h"

/* As depthwise_conv2d_weight_gradient_floats. */
static inline void depthwise_conv2d_weight_gradient_part(const depthwise_conv2d_weight_gradient_f32_params *p, float_format format,
                                                         float_sums sums, const void *x, const void *g, void *dw)
{
    const window_params *w = &p->window;
    const int32_t multiplier = w->out_c / w->in_c;
    const cluster_range part = cluster_slice(w->k_h * w->k_w * w->out_c, 1);
    for (int32_t item = part.begin; item < part.end; item++) {
        const int32_t tap = item / w->out_c, o = item % w->out_c;
        const windows_of_tap at = windows_with_tap(w, tap / w->k_w, tap % w->k_w);
        float sum = 0.0f;
        for (int32_t image = 0; image < w->batches; image++) {
            const int32_t in = image * w->in_h * w->in_row + at.origin + o / multiplier;
            sum = add_windows(w, &at, format, sums, x, in, g, image * w->out_h * w->out_row + o, sum);
        }
        store_float(dw, item, format, sum);
    }
}

typedef depthwise_conv2d_weight_gradient_f32_params depthwise_conv2d_weight_gradient_f32_cluster_params;

static inline void depthwise_conv2d_weight_gradient_f32_cluster(const depthwise_conv2d_weight_gradient_f32_params *p,
                                                                const float *x, const float *g, float *dw)
{
    depthwise_conv2d_weight_gradient_part(p, FORMAT_F32, SUMS_F32, x, g, dw);
}

typedef depthwise_conv2d_weight_gradient_f32_params depthwise_conv2d_weight_gradient_f32_fma_cluster_params;

static inline void depthwise_conv2d_weight_gradient_f32_fma_cluster(const depthwise_conv2d_weight_gradient_f32_params *p,
                                                                    const float *x, const float *g, float *dw)
{
    depthwise_conv2d_weight_gradient_part(p, FORMAT_F32, SUMS_F32_FMA, x, g, dw);
}

typedef depthwise_conv2d_weight_gradient_f32_params depthwise_conv2d_weight_gradient_f16_cluster_params;

static inline void depthwise_conv2d_weight_gradient_f16_cluster(const depthwise_conv2d_weight_gradient_f32_params *p,
                                                                const uint16_t *x, const uint16_t *g, uint16_t *dw)
{
    depthwise_conv2d_weight_gradient_part(p, FORMAT_F16, SUMS_F32, x, g, dw);
}

typedef depthwise_conv2d_weight_gradient_f32_params depthwise_conv2d_weight_gradient_f16_fma_cluster_params;

static inline void depthwise_conv2d_weight_gradient_f16_fma_cluster(const depthwise_conv2d_weight_gradient_f32_params *p,
                                                                    const uint16_t *x, const uint16_t *g, uint16_t *dw)
{
    depthwise_conv2d_weight_gradient_part(p, FORMAT_F16, SUMS_F16, x, g, dw);
}

typedef depthwise_conv2d_weight_gradient_f32_params depthwise_conv2d_weight_gradient_bf16_cluster_params;

static inline void depthwise_conv2d_weight_gradient_bf16_cluster(const depthwise_conv2d_weight_gradient_f32_params *p,
                                                                 const uint16_t *x, const uint16_t *g, uint16_t *dw)
{
    depthwise_conv2d_weight_gradient_part(p, FORMAT_BF16, SUMS_F32, x, g, dw);
}

#endif
