/* dense_input_gradient with fused sums on PULP's cores: each core its part of the inputs, the lanes of a register neighbouring ones. */
#ifndef TAPEOUT_DENSE_INPUT_GRADIENT_PULP_H
#define TAPEOUT_DENSE_INPUT_GRADIENT_PULP_H

#include "dense_input_gradient.h"
#include "pulp.h"

/* Shapes as for dense_input_gradient_floats. */
static inline void dense_input_gradient_pulp(const dense_input_gradient_f32_params *p, float_format format, const void *g, const void *w,
                                             void *dx)
{
    const int32_t bytes = pulp_bytes(format);
    const cluster_range part = cluster_slice(p->inputs, CLUSTER_STEP);
    for (int32_t row = 0; row < p->rows; row++) {
        const pulp_products sums = {
            .x = (const uint8_t *)g + bytes * row * p->outputs, .w = (const uint8_t *)w + bytes * part.begin,
            .outer = 1, .inner = 1, .count = p->outputs, .x_step = bytes, .w_step = bytes * p->inputs,
        };
        const pulp_result result = {
            NULL, (uint8_t *)dx + bytes * (row * p->inputs + part.begin), 1, float_of_bits(0xff800000u), float_of_bits(0x7f800000u),
        };
        pulp_outputs(format, &sums, &result, part.end - part.begin);
    }
}

typedef dense_input_gradient_f32_params dense_input_gradient_f32_fma_pulp_params;
typedef dense_input_gradient_f32_params dense_input_gradient_f16_fma_pulp_params;

static inline void dense_input_gradient_f16_fma_pulp(const dense_input_gradient_f32_params *p, const uint16_t *g, const uint16_t *w,
                                                     uint16_t *dx)
{
    dense_input_gradient_pulp(p, FORMAT_F16, g, w, dx);
}

static inline void dense_input_gradient_f32_fma_pulp(const dense_input_gradient_f32_params *p, const float *g, const float *w, float *dx)
{
    dense_input_gradient_pulp(p, FORMAT_F32, g, w, dx);
}

#endif
