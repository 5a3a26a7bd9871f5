/* dense_input_gradient on a cluster: each core sums its part of the inputs. */
#ifndef TAPEOUT_DENSE_INPUT_GRADIENT_CLUSTER_H
#define TAPEOUT_DENSE_INPUT_GRADIENT_CLUSTER_H

#include "dense_input_gradient.h"
#include "cluster.h"

/* As dense_input_gradient_floats. */
static inline void dense_input_gradient_part(const dense_input_gradient_f32_params *p, float_format format, float_sums sums,
                                             const void *g, const void *w, void *dx)
{
    const cluster_range part = cluster_slice(p->rows * p->inputs, 1);
    for (int32_t item = part.begin; item < part.end; item++) {
        const int32_t row = item / p->inputs, i = item % p->inputs;
        float sum = 0.0f;
        for (int32_t o = 0; o < p->outputs; o++) {
            sum = add_product(sum, load_float(g, row * p->outputs + o, format), load_float(w, o * p->inputs + i, format), sums);
        }
        store_float(dx, item, format, sum);
    }
}

typedef dense_input_gradient_f32_params dense_input_gradient_f32_cluster_params;

static inline void dense_input_gradient_f32_cluster(const dense_input_gradient_f32_params *p, const float *g, const float *w,
                                                    float *dx)
{
    dense_input_gradient_part(p, FORMAT_F32, SUMS_F32, g, w, dx);
}

typedef dense_input_gradient_f32_params dense_input_gradient_f32_fma_cluster_params;

static inline void dense_input_gradient_f32_fma_cluster(const dense_input_gradient_f32_params *p, const float *g, const float *w,
                                                        float *dx)
{
    dense_input_gradient_part(p, FORMAT_F32, SUMS_F32_FMA, g, w, dx);
}

typedef dense_input_gradient_f32_params dense_input_gradient_f16_cluster_params;

static inline void dense_input_gradient_f16_cluster(const dense_input_gradient_f32_params *p, const uint16_t *g,
                                                    const uint16_t *w, uint16_t *dx)
{
    dense_input_gradient_part(p, FORMAT_F16, SUMS_F32, g, w, dx);
}

typedef dense_input_gradient_f32_params dense_input_gradient_f16_fma_cluster_params;

static inline void dense_input_gradient_f16_fma_cluster(const dense_input_gradient_f32_params *p, const uint16_t *g,
                                                        const uint16_t *w, uint16_t *dx)
{
    dense_input_gradient_part(p, FORMAT_F16, SUMS_F16, g, w, dx);
}

typedef dense_input_gradient_f32_params dense_input_gradient_bf16_cluster_params;

static inline void dense_input_gradient_bf16_cluster(const dense_input_gradient_f32_params *p, const uint16_t *g,
                                                     const uint16_t *w, uint16_t *dx)
{
    dense_input_gradient_part(p, FORMAT_BF16, SUMS_F32, g, w, dx);
}

#endif
