/* accumulate: the sum of the gradients of a batch, one call after the other. Portable. The definition is compiler/ops/accumulate.py. */
#ifndef TAPEOUT_ACCUMULATE_H
#define TAPEOUT_ACCUMULATE_H

#include "f16.h"

typedef struct {
    int32_t size;
} accumulate_f32_params;

/* a, g and next size elements, n the number of this call in its batch; next may be a */
static inline void accumulate_floats(const accumulate_f32_params *p, float_format from, float_format format, const void *a, const void *g,
                                     const int32_t *n, void *next)
{
    for (int32_t i = 0; i < p->size; i++) {
        const float element = load_float(g, i, from);
        store_float(next, i, format, *n == 0 ? element : load_float(a, i, format) + element);
    }
}

typedef accumulate_f32_params accumulate_f16_params;
typedef accumulate_f32_params accumulate_bf16_params;
typedef accumulate_f32_params accumulate_f16_f32_params;
typedef accumulate_f32_params accumulate_bf16_f32_params;

static inline void accumulate_f32(const accumulate_f32_params *p, const float *a, const float *g, const int32_t *n, float *next)
{
    accumulate_floats(p, FORMAT_F32, FORMAT_F32, a, g, n, next);
}

static inline void accumulate_f16(const accumulate_f16_params *p, const uint16_t *a, const uint16_t *g, const int32_t *n, uint16_t *next)
{
    accumulate_floats(p, FORMAT_F16, FORMAT_F16, a, g, n, next);
}

static inline void accumulate_bf16(const accumulate_bf16_params *p, const uint16_t *a, const uint16_t *g, const int32_t *n, uint16_t *next)
{
    accumulate_floats(p, FORMAT_BF16, FORMAT_BF16, a, g, n, next);
}

static inline void accumulate_f16_f32(const accumulate_f16_f32_params *p, const float *a, const uint16_t *g, const int32_t *n, float *next)
{
    accumulate_floats(p, FORMAT_F16, FORMAT_F32, a, g, n, next);
}

static inline void accumulate_bf16_f32(const accumulate_bf16_f32_params *p, const float *a, const uint16_t *g, const int32_t *n,
                                       float *next)
{
    accumulate_floats(p, FORMAT_BF16, FORMAT_F32, a, g, n, next);
}

#endif
