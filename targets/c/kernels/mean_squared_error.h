/* mean_squared_error: the loss and its gradient. Portable. The definition is compiler/ops/mean_squared_error.py. */
#ifndef TAPEOUT_MEAN_SQUARED_ERROR_H
#define TAPEOUT_MEAN_SQUARED_ERROR_H

#include "f16.h"

typedef struct {
    int32_t size;
    float scale; /* of the gradient */
} mean_squared_error_f32_params;

/* z and dz size elements, t as many floats, loss one. The sum runs from +0 over the elements. */
static inline void mean_squared_error_floats(const mean_squared_error_f32_params *p, float_format format, const void *z, const float *t, void *dz,
                                             float *loss)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < p->size; i++) {
        const float difference = load_float(z, i, format) - t[i];
        sum += difference * difference;
        store_float(dz, i, format, (difference + difference) / (float)p->size * p->scale);
    }
    *loss = sum / (float)p->size;
}

typedef mean_squared_error_f32_params mean_squared_error_f16_params;
typedef mean_squared_error_f32_params mean_squared_error_bf16_params;

static inline void mean_squared_error_f32(const mean_squared_error_f32_params *p, const float *z, const float *t, float *dz, float *loss)
{
    mean_squared_error_floats(p, FORMAT_F32, z, t, dz, loss);
}

static inline void mean_squared_error_f16(const mean_squared_error_f16_params *p, const uint16_t *z, const float *t, uint16_t *dz,
                                          float *loss)
{
    mean_squared_error_floats(p, FORMAT_F16, z, t, dz, loss);
}

static inline void mean_squared_error_bf16(const mean_squared_error_bf16_params *p, const uint16_t *z, const float *t, uint16_t *dz,
                                           float *loss)
{
    mean_squared_error_floats(p, FORMAT_BF16, z, t, dz, loss);
}

#endif
