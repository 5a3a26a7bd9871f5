/* dense_weight_gradient on a cluster: each core sums its part of the weights. */
#ifndef TAPEOUT_DENSE_WEIGHT_GRADIENT_CLUSTER_H
#define TAPEOUT_DENSE_WEIGHT_GRADIENT_CLUSTER_H

#include "dense_weight_gradient.h"
#include "cluster.h"

/* As dense_weight_gradient_floats. */
static inline void dense_weight_gradient_part(const dense_weight_gradient_f32_params *p, float_format format, float_sums sums,
                                              const void *x, const void *g, void *dw)
{
    const cluster_range part = cluster_slice(p->outputs * p->inputs, 1);
    for (int32_t item = part.begin; item < part.end; item++) {
        const int32_t o = item / p->inputs, i = item % p->inputs;
        float sum = 0.0f;
        for (int32_t row = 0; row < p->rows; row++) {
            sum = add_product(sum, load_float(x, row * p->inputs + i, format), load_float(g, row * p->outputs + o, format), sums);
        }
        store_float(dw, item, format, sum);
    }
}

typedef dense_weight_gradient_f32_params dense_weight_gradient_f32_cluster_params;

static inline void dense_weight_gradient_f32_cluster(const dense_weight_gradient_f32_params *p, const float *x, const float *g,
                                                     float *dw)
{
    dense_weight_gradient_part(p, FORMAT_F32, SUMS_F32, x, g, dw);
}

typedef dense_weight_gradient_f32_params dense_weight_gradient_f32_fma_cluster_params;

static inline void dense_weight_gradient_f32_fma_cluster(const dense_weight_gradient_f32_params *p, const float *x,
                                                         const float *g, float *dw)
{
    dense_weight_gradient_part(p, FORMAT_F32, SUMS_F32_FMA, x, g, dw);
}

typedef dense_weight_gradient_f32_params dense_weight_gradient_f16_cluster_params;

static inline void dense_weight_gradient_f16_cluster(const dense_weight_gradient_f32_params *p, const uint16_t *x,
                                                     const uint16_t *g, uint16_t *dw)
{
    dense_weight_gradient_part(p, FORMAT_F16, SUMS_F32, x, g, dw);
}

typedef dense_weight_gradient_f32_params dense_weight_gradient_f16_fma_cluster_params;

static inline void dense_weight_gradient_f16_fma_cluster(const dense_weight_gradient_f32_params *p, const uint16_t *x,
                                                         const uint16_t *g, uint16_t *dw)
{
    dense_weight_gradient_part(p, FORMAT_F16, SUMS_F16, x, g, dw);
}

typedef dense_weight_gradient_f32_params dense_weight_gradient_bf16_cluster_params;

static inline void dense_weight_gradient_bf16_cluster(const dense_weight_gradient_f32_params *p, const uint16_t *x,
                                                      const uint16_t *g, uint16_t *dw)
{
    dense_weight_gradient_part(p, FORMAT_BF16, SUMS_F32, x, g, dw);
}

#endif
