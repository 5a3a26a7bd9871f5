/* quantize: floats to codes. The definition is compiler/ops/quantize.py. */
#ifndef TAPEOUT_QUANTIZE_H
#define TAPEOUT_QUANTIZE_H

#include "round.h"

typedef struct {
    int32_t size;
    float scale;
    int32_t zero, lo, hi;
    rounding rounding;
} quantize_params;

typedef quantize_params quantize_f32_s8_params;
typedef quantize_params quantize_f32_s16_params;

/* The code of x. Bounds come before the rounding, so that it fits 32 bits. */
static inline int32_t quantized(const quantize_params *p, float x)
{
    const float lo = (float)(p->lo - p->zero);
    const float hi = (float)(p->hi - p->zero);
    float scaled = x / p->scale;
    scaled = scaled != scaled ? 0.0f : scaled;
    scaled = scaled < lo ? lo : scaled;
    scaled = scaled > hi ? hi : scaled;
    return round_float(scaled, p->rounding) + p->zero;
}

/* x and y hold size elements; y may begin where x begins. */
static inline void quantize_f32_s8(const quantize_params *p, const float *x, int8_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int8_t)quantized(p, x[i]);
    }
}

static inline void quantize_f32_s16(const quantize_params *p, const float *x, int16_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int16_t)quantized(p, x[i]);
    }
}

#endif
