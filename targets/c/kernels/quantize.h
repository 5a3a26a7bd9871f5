/* quantize: floats to codes. The definition is compiler/ops/quantize.py. */
#ifndef TAPEOUT_QUANTIZE_H
#define TAPEOUT_QUANTIZE_H

#include "fixed.h"

typedef struct {
    int32_t size;
    float scale;
    int32_t zero;
    rounding rounding; /* half_away or half_even */
} quantize_f32_s8_params;

/* The integer nearest to x, |x| < 2^23. */
static inline int32_t round_float(float x, rounding mode)
{
    const int32_t whole = (int32_t)x; /* towards zero */
    const float rest = x - (float)whole;
    const int32_t away = mode == ROUND_HALF_AWAY || whole % 2 != 0; /* where a tie goes */
    if (rest > 0.5f || (rest == 0.5f && away)) {
        return whole + 1;
    }
    if (rest < -0.5f || (rest == -0.5f && away)) {
        return whole - 1;
    }
    return whole;
}

/* x and y hold size elements; y may begin where x begins. Bounds come before the rounding, so that it fits 32 bits. */
static inline void quantize_f32_s8(const quantize_f32_s8_params *p, const float *x, int8_t *y)
{
    const float lo = (float)(-128 - p->zero);
    const float hi = (float)(127 - p->zero);
    for (int32_t i = 0; i < p->size; i++) {
        float scaled = x[i] / p->scale;
        scaled = scaled != scaled ? 0.0f : scaled;
        scaled = scaled < lo ? lo : scaled;
        scaled = scaled > hi ? hi : scaled;
        y[i] = (int8_t)(round_float(scaled, p->rounding) + p->zero);
    }
}

#endif
