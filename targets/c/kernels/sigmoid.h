/* sigmoid: the logistic function of floats. The definition is compiler/ops/sigmoid.py. */
#ifndef TAPEOUT_SIGMOID_H
#define TAPEOUT_SIGMOID_H

#include "f16.h"

typedef struct {
    int32_t size;
} sigmoid_f32_params;

/* x and y hold size elements and may be the same memory. */
static inline void sigmoid_floats(const sigmoid_f32_params *p, float_format format, const void *x, void *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        const float element = load_float(x, i, format);
        store_float(y, i, format, sigmoid_scalar(element));
    }
}

typedef sigmoid_f32_params sigmoid_f16_params;
typedef sigmoid_f32_params sigmoid_bf16_params;

static inline void sigmoid_f32(const sigmoid_f32_params *p, const float *x, float *y)
{
    sigmoid_floats(p, FORMAT_F32, x, y);
}

static inline void sigmoid_f16(const sigmoid_f16_params *p, const uint16_t *x, uint16_t *y)
{
    sigmoid_floats(p, FORMAT_F16, x, y);
}

static inline void sigmoid_bf16(const sigmoid_bf16_params *p, const uint16_t *x, uint16_t *y)
{
    sigmoid_floats(p, FORMAT_BF16, x, y);
}

#endif
