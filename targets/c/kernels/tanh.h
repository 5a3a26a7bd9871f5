/* tanh: the hyperbolic tangent of floats. The definition is compiler/ops/tanh.py. */
#ifndef TAPEOUT_TANH_H
#define TAPEOUT_TANH_H

#include "f16.h"

typedef struct {
    int32_t size;
} tanh_f32_params;

/* x and y hold size elements and may be the same memory. */
static inline void tanh_floats(const tanh_f32_params *p, float_format format, const void *x, void *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        const float element = load_float(x, i, format);
        store_float(y, i, format, tanh_scalar(element));
    }
}

typedef tanh_f32_params tanh_f16_params;
typedef tanh_f32_params tanh_bf16_params;

static inline void tanh_f32(const tanh_f32_params *p, const float *x, float *y)
{
    tanh_floats(p, FORMAT_F32, x, y);
}

static inline void tanh_f16(const tanh_f16_params *p, const uint16_t *x, uint16_t *y)
{
    tanh_floats(p, FORMAT_F16, x, y);
}

static inline void tanh_bf16(const tanh_bf16_params *p, const uint16_t *x, uint16_t *y)
{
    tanh_floats(p, FORMAT_BF16, x, y);
}

#endif
