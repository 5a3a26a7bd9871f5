/* softmax_cross_entropy: the loss and its gradient. Portable. The definition is compiler/ops/softmax_cross_entropy.py. */
#ifndef TAPEOUT_SOFTMAX_CROSS_ENTROPY_H
#define TAPEOUT_SOFTMAX_CROSS_ENTROPY_H

#include "f16.h"
#include <math.h>

typedef struct {
    int32_t rows, columns;
    float scale; /* of the gradient */
} softmax_cross_entropy_f32_params;

/* z and dz rows x columns, t as many floats, loss one. All sums run from +0 in order. */
static inline void softmax_cross_entropy_floats(const softmax_cross_entropy_f32_params *p, float_format format, const void *z, const float *t,
                                                void *dz, float *loss)
{
    const float rows = (float)p->rows;
    float all = 0.0f;
    for (int32_t start = 0; start < p->rows * p->columns; start += p->columns) {
        float largest = -INFINITY;
        float total = 0.0f;
        float wanted = 0.0f;
        for (int32_t i = start; i < start + p->columns; i++) {
            const float logit = load_float(z, i, format);
            largest = logit > largest ? logit : largest;
        }
        for (int32_t i = start; i < start + p->columns; i++) {
            total += exp_scalar(load_float(z, i, format) - largest);
            wanted += t[i];
        }
        const float logarithm = log_scalar(total);
        for (int32_t i = start; i < start + p->columns; i++) {
            const float below = load_float(z, i, format) - largest;
            all += t[i] * (logarithm - below);
            store_float(dz, i, format, (exp_scalar(below) / total * wanted - t[i]) / rows * p->scale);
        }
    }
    *loss = all / rows;
}

typedef softmax_cross_entropy_f32_params softmax_cross_entropy_f16_params;
typedef softmax_cross_entropy_f32_params softmax_cross_entropy_bf16_params;

static inline void softmax_cross_entropy_f32(const softmax_cross_entropy_f32_params *p, const float *z, const float *t, float *dz,
                                             float *loss)
{
    softmax_cross_entropy_floats(p, FORMAT_F32, z, t, dz, loss);
}

static inline void softmax_cross_entropy_f16(const softmax_cross_entropy_f16_params *p, const uint16_t *z, const float *t,
                                             uint16_t *dz, float *loss)
{
    softmax_cross_entropy_floats(p, FORMAT_F16, z, t, dz, loss);
}

static inline void softmax_cross_entropy_bf16(const softmax_cross_entropy_bf16_params *p, const uint16_t *z, const float *t,
                                              uint16_t *dz, float *loss)
{
    softmax_cross_entropy_floats(p, FORMAT_BF16, z, t, dz, loss);
}

#endif
