/* add: elementwise sum of two tensors, broadcast. The definition is compiler/ops/add.py. */
#ifndef TAPEOUT_ADD_H
#define TAPEOUT_ADD_H

#include "sum.h"

typedef sum_s8_params add_s8_params;

static inline void add_s8(const add_s8_params *p, const int8_t *x, const int8_t *y, int8_t *out)
{
    sum_s8(p, 1, x, y, out);
}

typedef sum_s16_params add_s16_params;

static inline void add_s16(const add_s16_params *p, const int16_t *x, const int16_t *y, int16_t *out)
{
    sum_s16(p, 1, x, y, out);
}

typedef sum_f32_params add_f32_params;

static inline void add_f32(const add_f32_params *p, const float *x, const float *y, float *out)
{
    sum_floats(p, FORMAT_F32, 1.0f, x, y, out);
}

typedef sum_f32_params add_f16_params;

static inline void add_f16(const add_f16_params *p, const uint16_t *x, const uint16_t *y, uint16_t *out)
{
    sum_floats(p, FORMAT_F16, 1.0f, x, y, out);
}

typedef sum_f32_params add_bf16_params;

static inline void add_bf16(const add_bf16_params *p, const uint16_t *x, const uint16_t *y, uint16_t *out)
{
    sum_floats(p, FORMAT_BF16, 1.0f, x, y, out);
}

#endif
