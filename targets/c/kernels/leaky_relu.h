/* leaky_relu: floats, multiplied by alpha where negative. The definition is compiler/ops/leaky_relu.py. */
#ifndef TAPEOUT_LEAKY_RELU_H
#define TAPEOUT_LEAKY_RELU_H

#include "f16.h"

typedef struct {
    int32_t size;
    float alpha;
} leaky_relu_f32_params;

/* x and y hold size elements and may be the same memory. */
static inline void leaky_relu_floats(const leaky_relu_f32_params *p, float_format format, const void *x, void *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        const float element = load_float(x, i, format);
        store_float(y, i, format, element < 0.0f ? p->alpha * element : element);
    }
}

typedef leaky_relu_f32_params leaky_relu_f16_params;
typedef leaky_relu_f32_params leaky_relu_bf16_params;

static inline void leaky_relu_f32(const leaky_relu_f32_params *p, const float *x, float *y)
{
    leaky_relu_floats(p, FORMAT_F32, x, y);
}

static inline void leaky_relu_f16(const leaky_relu_f16_params *p, const uint16_t *x, uint16_t *y)
{
    leaky_relu_floats(p, FORMAT_F16, x, y);
}

static inline void leaky_relu_bf16(const leaky_relu_bf16_params *p, const uint16_t *x, uint16_t *y)
{
    leaky_relu_floats(p, FORMAT_BF16, x, y);
}

#endif
