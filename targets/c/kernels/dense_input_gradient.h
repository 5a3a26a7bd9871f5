/* dense_input_gradient: the gradient of the input of dense. Portable: direct loops, no scratch memory.
 * The definition is compiler/ops/dense_input_gradient.py. */
#ifndef TAPEOUT_DENSE_INPUT_GRADIENT_H
#define TAPEOUT_DENSE_INPUT_GRADIENT_H

#include "f16.h"

typedef struct {
    int32_t rows, inputs, outputs;
} dense_input_gradient_f32_params;

/* g rows x outputs, w outputs x inputs, dx rows x inputs. Each sum runs from +0 over the outputs, by the rule of add_product. */
static inline void dense_input_gradient_floats(const dense_input_gradient_f32_params *p, float_format format, float_sums sums,
                                               const void *g, const void *w, void *dx)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t i = 0; i < p->inputs; i++) {
            float sum = 0.0f;
            for (int32_t o = 0; o < p->outputs; o++) {
                const float element = load_float(g, row * p->outputs + o, format);
                sum = add_product(sum, element, load_float(w, o * p->inputs + i, format), sums);
            }
            store_float(dx, row * p->inputs + i, format, sum);
        }
    }
}

typedef dense_input_gradient_f32_params dense_input_gradient_f32_fma_params;
typedef dense_input_gradient_f32_params dense_input_gradient_f16_params;
typedef dense_input_gradient_f32_params dense_input_gradient_f16_fma_params;
typedef dense_input_gradient_f32_params dense_input_gradient_bf16_params;

static inline void dense_input_gradient_f32(const dense_input_gradient_f32_params *p, const float *g, const float *w, float *dx)
{
    dense_input_gradient_floats(p, FORMAT_F32, SUMS_F32, g, w, dx);
}

static inline void dense_input_gradient_f32_fma(const dense_input_gradient_f32_fma_params *p, const float *g, const float *w, float *dx)
{
    dense_input_gradient_floats(p, FORMAT_F32, SUMS_F32_FMA, g, w, dx);
}

static inline void dense_input_gradient_f16(const dense_input_gradient_f16_params *p, const uint16_t *g, const uint16_t *w, uint16_t *dx)
{
    dense_input_gradient_floats(p, FORMAT_F16, SUMS_F32, g, w, dx);
}

static inline void dense_input_gradient_f16_fma(const dense_input_gradient_f16_fma_params *p, const uint16_t *g, const uint16_t *w,
                                                uint16_t *dx)
{
    dense_input_gradient_floats(p, FORMAT_F16, SUMS_F16, g, w, dx);
}

static inline void dense_input_gradient_bf16(const dense_input_gradient_bf16_params *p, const uint16_t *g, const uint16_t *w, uint16_t *dx)
{
    dense_input_gradient_floats(p, FORMAT_BF16, SUMS_F32, g, w, dx);
}

#endif
