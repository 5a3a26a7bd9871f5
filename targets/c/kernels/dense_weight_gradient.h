/* dense_weight_gradient: the gradient of the weights of dense. Portable: direct loops, no scratch memory.
 * The definition is compiler/ops/dense_weight_gradient.py. */
#ifndef TAPEOUT_DENSE_WEIGHT_GRADIENT_H
#define TAPEOUT_DENSE_WEIGHT_GRADIENT_H

#include "f16.h"

typedef struct {
    int32_t rows, inputs, outputs;
} dense_weight_gradient_f32_params;

/* x rows x inputs, g rows x outputs, dw outputs x inputs. Each sum runs from +0 over the rows, by the rule of add_product. */
static inline void dense_weight_gradient_floats(const dense_weight_gradient_f32_params *p, float_format format, float_sums sums,
                                                const void *x, const void *g, void *dw)
{
    for (int32_t o = 0; o < p->outputs; o++) {
        for (int32_t i = 0; i < p->inputs; i++) {
            float sum = 0.0f;
            for (int32_t row = 0; row < p->rows; row++) {
                const float element = load_float(x, row * p->inputs + i, format);
                sum = add_product(sum, element, load_float(g, row * p->outputs + o, format), sums);
            }
            store_float(dw, o * p->inputs + i, format, sum);
        }
    }
}

typedef dense_weight_gradient_f32_params dense_weight_gradient_f32_fma_params;
typedef dense_weight_gradient_f32_params dense_weight_gradient_f16_params;
typedef dense_weight_gradient_f32_params dense_weight_gradient_f16_fma_params;
typedef dense_weight_gradient_f32_params dense_weight_gradient_bf16_params;

static inline void dense_weight_gradient_f32(const dense_weight_gradient_f32_params *p, const float *x, const float *g, float *dw)
{
    dense_weight_gradient_floats(p, FORMAT_F32, SUMS_F32, x, g, dw);
}

static inline void dense_weight_gradient_f32_fma(const dense_weight_gradient_f32_fma_params *p, const float *x, const float *g, float *dw)
{
    dense_weight_gradient_floats(p, FORMAT_F32, SUMS_F32_FMA, x, g, dw);
}

static inline void dense_weight_gradient_f16(const dense_weight_gradient_f16_params *p, const uint16_t *x, const uint16_t *g, uint16_t *dw)
{
    dense_weight_gradient_floats(p, FORMAT_F16, SUMS_F32, x, g, dw);
}

static inline void dense_weight_gradient_f16_fma(const dense_weight_gradient_f16_fma_params *p, const uint16_t *x, const uint16_t *g,
                                                 uint16_t *dw)
{
    dense_weight_gradient_floats(p, FORMAT_F16, SUMS_F16, x, g, dw);
}

static inline void dense_weight_gradient_bf16(const dense_weight_gradient_bf16_params *p, const uint16_t *x, const uint16_t *g,
                                              uint16_t *dw)
{
    dense_weight_gradient_floats(p, FORMAT_BF16, SUMS_F32, x, g, dw);
}

#endif
