/* dense on a cluster: each core computes its part of the outputs. */
#ifndef TAPEOUT_DENSE_CLUSTER_H
#define TAPEOUT_DENSE_CLUSTER_H

#include "dense.h"
#include "cluster.h"

/* As dense_floats. */
static inline void dense_part(const dense_f32_params *p, float_format format, float_sums sums,
                              const void *x, const void *w, const void *b, void *y)
{
    const cluster_range part = cluster_slice(p->rows * p->outputs, 1);
    for (int32_t item = part.begin; item < part.end; item++) {
        const int32_t row = item / p->outputs, o = item % p->outputs;
        float sum = 0.0f;
        for (int32_t i = 0; i < p->inputs; i++) {
            sum = add_product(sum, load_float(x, row * p->inputs + i, format), load_float(w, o * p->inputs + i, format), sums);
        }
        store_float(y, item, format, finish_sum(sum, b, o, sums, p->lo, p->hi));
    }
}

typedef dense_f32_params dense_f32_cluster_params;

static inline void dense_f32_cluster(const dense_f32_params *p, const float *x, const float *w, const float *b, float *y)
{
    dense_part(p, FORMAT_F32, SUMS_F32, x, w, b, y);
}

typedef dense_f32_params dense_f32_fma_cluster_params;

static inline void dense_f32_fma_cluster(const dense_f32_params *p, const float *x, const float *w, const float *b, float *y)
{
    dense_part(p, FORMAT_F32, SUMS_F32_FMA, x, w, b, y);
}

typedef dense_f32_params dense_f16_cluster_params;

static inline void dense_f16_cluster(const dense_f32_params *p, const uint16_t *x, const uint16_t *w, const float *b, uint16_t *y)
{
    dense_part(p, FORMAT_F16, SUMS_F32, x, w, b, y);
}

typedef dense_f32_params dense_f16_fma_cluster_params;

static inline void dense_f16_fma_cluster(const dense_f32_params *p, const uint16_t *x, const uint16_t *w, const uint16_t *b,
                                         uint16_t *y)
{
    dense_part(p, FORMAT_F16, SUMS_F16, x, w, b, y);
}

typedef dense_f32_params dense_bf16_cluster_params;

static inline void dense_bf16_cluster(const dense_f32_params *p, const uint16_t *x, const uint16_t *w, const float *b,
                                      uint16_t *y)
{
    dense_part(p, FORMAT_BF16, SUMS_F32, x, w, b, y);
}

#endif
