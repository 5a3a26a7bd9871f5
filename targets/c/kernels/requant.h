/* requant: codes or sums of one scale become codes of another. The definition is compiler/ops/requant.py. */
#ifndef TAPEOUT_REQUANT_H
#define TAPEOUT_REQUANT_H

#include "fixed.h"

typedef struct {
    int32_t size;
    int32_t channels; /* entries of mul and shift, one per channel of the last axis; 1 when they are for all */
    int32_t x_zero, y_zero, lo, hi;
    rounding rounding;
} requant_params;

typedef requant_params requant_s8_params;
typedef requant_params requant_u8_s8_params;
typedef requant_params requant_s32_s8_params;
typedef requant_params requant_s8_s16_params;
typedef requant_params requant_s16_params;
typedef requant_params requant_s16_s8_params;

/* The code of element i, which is x. */
static inline int32_t requantized(const requant_params *p, int32_t i, int32_t x, const int32_t *mul, const int8_t *shift)
{
    const int32_t channel = p->channels > 1 ? i % p->channels : 0;
    const int32_t scaled = requantize(x - p->x_zero, mul[channel], shift[channel], p->rounding);
    return clamp(scaled + p->y_zero, p->lo, p->hi);
}

/* x and y hold size codes and may be the same memory. */
static inline void requant_s8(const requant_params *p, const int8_t *x, const int32_t *mul, const int8_t *shift, int8_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int8_t)requantized(p, i, x[i], mul, shift);
    }
}

/* As above, for bytes without sign. */
static inline void requant_u8_s8(const requant_params *p, const uint8_t *x, const int32_t *mul, const int8_t *shift, int8_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int8_t)requantized(p, i, x[i], mul, shift);
    }
}

/* As above, for 32-bit sums, whose x_zero is 0; y may begin where x begins. */
static inline void requant_s32_s8(const requant_params *p, const int32_t *x, const int32_t *mul, const int8_t *shift, int8_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int8_t)requantized(p, i, x[i], mul, shift);
    }
}

/* x and y do not overlap. */
static inline void requant_s8_s16(const requant_params *p, const int8_t *x, const int32_t *mul, const int8_t *shift, int16_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int16_t)requantized(p, i, x[i], mul, shift);
    }
}

/* x and y may be the same memory. */
static inline void requant_s16(const requant_params *p, const int16_t *x, const int32_t *mul, const int8_t *shift, int16_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int16_t)requantized(p, i, x[i], mul, shift);
    }
}

/* y may begin where x begins. */
static inline void requant_s16_s8(const requant_params *p, const int16_t *x, const int32_t *mul, const int8_t *shift, int8_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int8_t)requantized(p, i, x[i], mul, shift);
    }
}

#endif
