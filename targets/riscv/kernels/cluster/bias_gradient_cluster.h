/* bias_gradient on a cluster: each core sums its part of the channels. */
#ifndef TAPEOUT_BIAS_GRADIENT_CLUSTER_H
#define TAPEOUT_BIAS_GRADIENT_CLUSTER_H

#include "bias_gradient.h"
#include "cluster.h"

/* As bias_gradient_floats. */
static inline void bias_gradient_part(const bias_gradient_f32_params *p, float_format format, float_sums sums, const void *g, void *db)
{
    const cluster_range part = cluster_slice(p->channels, 1);
    for (int32_t c = part.begin; c < part.end; c++) {
        float sum = 0.0f;
        for (int32_t row = 0; row < p->rows; row++) {
            sum = add_product(sum, load_float(g, row * p->channels + c, format), 1.0f, sums);
        }
        store_float(db, c, format, sum);
    }
}

typedef bias_gradient_f32_params bias_gradient_f32_cluster_params;

static inline void bias_gradient_f32_cluster(const bias_gradient_f32_params *p, const float *g, float *db)
{
    bias_gradient_part(p, FORMAT_F32, SUMS_F32, g, db);
}

typedef bias_gradient_f32_params bias_gradient_f16_cluster_params;

static inline void bias_gradient_f16_cluster(const bias_gradient_f32_params *p, const uint16_t *g, uint16_t *db)
{
    bias_gradient_part(p, FORMAT_F16, SUMS_F32, g, db);
}

typedef bias_gradient_f32_params bias_gradient_f16_fma_cluster_params;

static inline void bias_gradient_f16_fma_cluster(const bias_gradient_f32_params *p, const uint16_t *g, uint16_t *db)
{
    bias_gradient_part(p, FORMAT_F16, SUMS_F16, g, db);
}

typedef bias_gradient_f32_params bias_gradient_bf16_cluster_params;

static inline void bias_gradient_bf16_cluster(const bias_gradient_f32_params *p, const uint16_t *g, uint16_t *db)
{
    bias_gradient_part(p, FORMAT_BF16, SUMS_F32, g, db);
}

#endif
