/* cast: floats in another format. The definition is compiler/ops/cast.py. */
#ifndef TAPEOUT_CAST_H
#define TAPEOUT_CAST_H

#include "f16.h"

typedef struct {
    int32_t size;
} cast_params;

/* x and y hold size elements and do not overlap. */
static inline void cast_floats(const cast_params *p, float_format from, float_format to, const void *x, void *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        store_float(y, i, to, load_float(x, i, from));
    }
}

typedef cast_params cast_f32_f16_params;

static inline void cast_f32_f16(const cast_params *p, const float *x, uint16_t *y)
{
    cast_floats(p, FORMAT_F32, FORMAT_F16, x, y);
}

typedef cast_params cast_f32_bf16_params;

static inline void cast_f32_bf16(const cast_params *p, const float *x, uint16_t *y)
{
    cast_floats(p, FORMAT_F32, FORMAT_BF16, x, y);
}

typedef cast_params cast_f16_f32_params;

static inline void cast_f16_f32(const cast_params *p, const uint16_t *x, float *y)
{
    cast_floats(p, FORMAT_F16, FORMAT_F32, x, y);
}

typedef cast_params cast_f16_bf16_params;

static inline void cast_f16_bf16(const cast_params *p, const uint16_t *x, uint16_t *y)
{
    cast_floats(p, FORMAT_F16, FORMAT_BF16, x, y);
}

typedef cast_params cast_bf16_f32_params;

static inline void cast_bf16_f32(const cast_params *p, const uint16_t *x, float *y)
{
    cast_floats(p, FORMAT_BF16, FORMAT_F32, x, y);
}

typedef cast_params cast_bf16_f16_params;

static inline void cast_bf16_f16(const cast_params *p, const uint16_t *x, uint16_t *y)
{
    cast_floats(p, FORMAT_BF16, FORMAT_F16, x, y);
}

#endif
