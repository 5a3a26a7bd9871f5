/* dynamic_quantize: floats to codes by the tensor's own extremes. The definition is compiler/ops/dynamic_quantize.py. */
#ifndef TAPEOUT_DYNAMIC_QUANTIZE_H
#define TAPEOUT_DYNAMIC_QUANTIZE_H

#include "f32.h"
#include "round.h"

typedef struct {
    int32_t size;
    int32_t lo, hi; /* the least and the greatest code */
    int32_t is_signed, symmetric, power_of_two;
    rounding rounding;
} dynamic_quantize_params;

typedef dynamic_quantize_params dynamic_quantize_f32_s8_params;
typedef dynamic_quantize_params dynamic_quantize_f32_s16_params;

typedef struct {
    float scale;
    int32_t zero;
} dynamic_format;

/* The least power of two that is not less than x, a positive normal number. */
static inline float next_power_of_two(float x)
{
    const uint32_t bits = float_bits(x);
    return float_of_bits((bits & 0x7f800000u) + ((bits & 0x007fffffu) ? 0x00800000u : 0u));
}

/* Scale and zero point for size elements at x; 0 counts as one of them. */
static inline dynamic_format format_of(const dynamic_quantize_params *p, const float *x)
{
    float low = 0.0f;
    float high = 0.0f;
    for (int32_t i = 0; i < p->size; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    const float larger = p->is_signed && -low > high ? -low : high;
    const float extent = p->symmetric ? larger : high - low;
    float scale = extent > 0.0f ? extent / (float)(p->symmetric ? p->hi : p->hi - p->lo) : 1.0f;
    scale = scale < 0x1p-126f ? 0x1p-126f : scale;
    scale = p->power_of_two ? next_power_of_two(scale) : scale;
    const int32_t zero = p->symmetric ? 0 : p->lo + (int32_t)(-low / scale + 0.5f);
    return (dynamic_format){scale, zero > p->hi ? p->hi : zero};
}

/* The code of x. */
static inline int32_t code_of(const dynamic_quantize_params *p, dynamic_format format, float x)
{
    const float lo = (float)(p->lo - format.zero);
    const float hi = (float)(p->hi - format.zero);
    float scaled = x / format.scale;
    scaled = scaled != scaled ? 0.0f : scaled;
    scaled = scaled < lo ? lo : scaled;
    scaled = scaled > hi ? hi : scaled;
    return round_float(scaled, p->rounding) + format.zero;
}

/* x and y hold size elements; scale and zero one. */
static inline void dynamic_quantize_f32_s8(const dynamic_quantize_params *p, const float *x, int8_t *y, float *scale, int32_t *zero)
{
    const dynamic_format format = format_of(p, x);
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int8_t)code_of(p, format, x[i]);
    }
    *scale = format.scale;
    *zero = format.zero;
}

static inline void dynamic_quantize_f32_s16(const dynamic_quantize_params *p, const float *x, int16_t *y, float *scale, int32_t *zero)
{
    const dynamic_format format = format_of(p, x);
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int16_t)code_of(p, format, x[i]);
    }
    *scale = format.scale;
    *zero = format.zero;
}

#endif
