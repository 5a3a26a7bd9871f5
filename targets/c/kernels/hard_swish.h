/* hard_swish: x * (min(max(x + 3, 0), 6) / 6) on floats. The definition is compiler/ops/hard_swish.py. */
#ifndef TAPEOUT_HARD_SWISH_H
#define TAPEOUT_HARD_SWISH_H

#include "f16.h"

typedef struct {
    int32_t size;
} hard_swish_f32_params;

/* x and y hold size elements and may be the same memory. */
static inline void hard_swish_floats(const hard_swish_f32_params *p, float_format format, const void *x, void *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        const float element = load_float(x, i, format);
        float gate = element + 3.0f;
        gate = gate < 0.0f ? 0.0f : gate;
        gate = gate > 6.0f ? 6.0f : gate;
        store_float(y, i, format, element * (gate * 0x1.555556p-3f));
    }
}

typedef hard_swish_f32_params hard_swish_f16_params;
typedef hard_swish_f32_params hard_swish_bf16_params;

static inline void hard_swish_f32(const hard_swish_f32_params *p, const float *x, float *y)
{
    hard_swish_floats(p, FORMAT_F32, x, y);
}

static inline void hard_swish_f16(const hard_swish_f16_params *p, const uint16_t *x, uint16_t *y)
{
    hard_swish_floats(p, FORMAT_F16, x, y);
}

static inline void hard_swish_bf16(const hard_swish_bf16_params *p, const uint16_t *x, uint16_t *y)
{
    hard_swish_floats(p, FORMAT_BF16, x, y);
}

#endif
