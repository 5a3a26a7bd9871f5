/* normalise: activities divided by their length. Portable. The definition is compiler/ops/normalise.py. */
#ifndef TAPEOUT_NORMALISE_H
#define TAPEOUT_NORMALISE_H

#include "goodness.h"

typedef struct {
    int32_t size;
    float epsilon;
} normalise_f32_params;

/* x and y size elements, y may be x */
static inline void normalise_floats(const normalise_f32_params *p, float_format format, const void *x, void *y)
{
    const float length = root_scalar(mean_square(p->size, format, x)) + p->epsilon;
    for (int32_t i = 0; i < p->size; i++) {
        store_float(y, i, format, load_float(x, i, format) / length);
    }
}

typedef normalise_f32_params normalise_f16_params;
typedef normalise_f32_params normalise_bf16_params;

static inline void normalise_f32(const normalise_f32_params *p, const float *x, float *y)
{
    normalise_floats(p, FORMAT_F32, x, y);
}

static inline void normalise_f16(const normalise_f16_params *p, const uint16_t *x, uint16_t *y)
{
    normalise_floats(p, FORMAT_F16, x, y);
}

static inline void normalise_bf16(const normalise_bf16_params *p, const uint16_t *x, uint16_t *y)
{
    normalise_floats(p, FORMAT_BF16, x, y);
}

#endif
