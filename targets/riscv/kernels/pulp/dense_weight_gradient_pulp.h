/* dense_weight_gradient with fused sums on PULP's cores: each core its part of the outputs, the lanes of a register neighbouring inputs. */
#ifndef TAPEOUT_DENSE_WEIGHT_GRADIENT_PULP_H
#define TAPEOUT_DENSE_WEIGHT_GRADIENT_PULP_H

#include "dense_weight_gradient.h"
#include "pulp.h"

/* Shapes as for dense_weight_gradient_floats. */
static inline void dense_weight_gradient_pulp(const dense_weight_gradient_f32_params *p, float_format format, const void *x, const void *g,
                                              void *dw)
{
    const int32_t bytes = pulp_bytes(format);
    const cluster_range part = cluster_slice(p->outputs, 1);
    for (int32_t o = part.begin; o < part.end; o++) {
        const pulp_products sums = {
            .x = (const uint8_t *)g + bytes * o, .w = x,
            .outer = 1, .inner = 1, .count = p->rows, .x_step = bytes * p->outputs, .w_step = bytes * p->inputs,
        };
        const pulp_result result = {
            NULL, (uint8_t *)dw + bytes * o * p->inputs, 1, float_of_bits(0xff800000u), float_of_bits(0x7f800000u),
        };
        pulp_outputs(format, &sums, &result, p->inputs);
    }
}

typedef dense_weight_gradient_f32_params dense_weight_gradient_f32_fma_pulp_params;
typedef dense_weight_gradient_f32_params dense_weight_gradient_f16_fma_pulp_params;

static inline void dense_weight_gradient_f16_fma_pulp(const dense_weight_gradient_f32_params *p, const uint16_t *x, const uint16_t *g,
                                                      uint16_t *dw)
{
    dense_weight_gradient_pulp(p, FORMAT_F16, x, g, dw);
}

static inline void dense_weight_gradient_f32_fma_pulp(const dense_weight_gradient_f32_params *p, const float *x, const float *g, float *dw)
{
    dense_weight_gradient_pulp(p, FORMAT_F32, x, g, dw);
}

#endif
