/* goodness: the mean of squares. Portable. The definition is compiler/ops/goodness.py. */
#ifndef TAPEOUT_GOODNESS_H
#define TAPEOUT_GOODNESS_H

#include "f16.h"

typedef struct {
    int32_t size;
} goodness_f32_params;

/* The mean of the squares of size elements of y, whose sum runs from +0 in order. */
static inline float mean_square(int32_t size, float_format format, const void *y)
{
    float total = 0.0f;
    for (int32_t i = 0; i < size; i++) {
        const float element = load_float(y, i, format);
        total += element * element;
    }
    return total / (float)size;
}

typedef goodness_f32_params goodness_f16_f32_params;
typedef goodness_f32_params goodness_bf16_f32_params;

/* y size elements, mean one */
static inline void goodness_f32(const goodness_f32_params *p, const float *y, float *mean)
{
    *mean = mean_square(p->size, FORMAT_F32, y);
}

static inline void goodness_f16_f32(const goodness_f16_f32_params *p, const uint16_t *y, float *mean)
{
    *mean = mean_square(p->size, FORMAT_F16, y);
}

static inline void goodness_bf16_f32(const goodness_bf16_f32_params *p, const uint16_t *y, float *mean)
{
    *mean = mean_square(p->size, FORMAT_BF16, y);
}

#endif
