/* What add and sub share: elementwise sums of two tensors, broadcast; `sign` is 1, or -1 to subtract the second.
 * Portable: one loop over rows of the result, no scratch memory. The definition is compiler/elementwise.py. */
#ifndef TAPEOUT_SUM_H
#define TAPEOUT_SUM_H

#include "f16.h"
#include "fixed.h"
#include "walk.h"

typedef struct {
    int32_t shape[5], x_stride[5], y_stride[5]; /* axes of the result; strides count elements, 0 where an operand is broadcast */
    int32_t x_zero, x_mul, x_shift;
    int32_t y_zero, y_mul, y_shift;
    int32_t left;                               /* bits of fraction in the sum */
    int32_t out_mul, out_shift, out_zero, lo, hi;
    rounding rounding;
} sum_s8_params;

typedef sum_s8_params sum_s16_params;

/* The code of the sum of two codes. */
static inline int32_t sum_code(const sum_s8_params *p, int32_t sign, int32_t x, int32_t y)
{
    const int32_t first = (x - p->x_zero) * ((int32_t)1 << p->left);
    const int32_t second = (y - p->y_zero) * ((int32_t)1 << p->left);
    const int32_t total = requantize(first, p->x_mul, p->x_shift, p->rounding) + sign * requantize(second, p->y_mul, p->y_shift, p->rounding);
    return clamp(requantize(total, p->out_mul, p->out_shift, p->rounding) + p->out_zero, p->lo, p->hi);
}

/* x and y as their strides say, out shape, contiguous; out may be x or y where that has the result's shape */
static inline void sum_s8(const sum_s8_params *p, int32_t sign, const int8_t *x, const int8_t *y, int8_t *out)
{
    for (int32_t row = 0; row < walk_rows(p->shape); row++) {
        const int8_t *a = x + walk_offset(p->shape, p->x_stride, row);
        const int8_t *b = y + walk_offset(p->shape, p->y_stride, row);
        for (int32_t i = 0; i < p->shape[4]; i++) {
            *out++ = (int8_t)sum_code(p, sign, a[i * p->x_stride[4]], b[i * p->y_stride[4]]);
        }
    }
}

static inline void sum_s16(const sum_s16_params *p, int32_t sign, const int16_t *x, const int16_t *y, int16_t *out)
{
    for (int32_t row = 0; row < walk_rows(p->shape); row++) {
        const int16_t *a = x + walk_offset(p->shape, p->x_stride, row);
        const int16_t *b = y + walk_offset(p->shape, p->y_stride, row);
        for (int32_t i = 0; i < p->shape[4]; i++) {
            *out++ = (int16_t)sum_code(p, sign, a[i * p->x_stride[4]], b[i * p->y_stride[4]]);
        }
    }
}

typedef struct {
    int32_t shape[5], x_stride[5], y_stride[5];
    float lo, hi;
} sum_f32_params;

/* Shapes as above. The product with the sign is exact. */
static inline void sum_floats(const sum_f32_params *p, float_format format, float sign, const void *x, const void *y, void *out)
{
    for (int32_t row = 0; row < walk_rows(p->shape); row++) {
        const int32_t a = walk_offset(p->shape, p->x_stride, row);
        const int32_t b = walk_offset(p->shape, p->y_stride, row);
        for (int32_t i = 0; i < p->shape[4]; i++) {
            const float first = load_float(x, a + i * p->x_stride[4], format);
            const float total = first + sign * load_float(y, b + i * p->y_stride[4], format);
            store_float(out, row * p->shape[4] + i, format, clip_float(total, p->lo, p->hi));
        }
    }
}

#endif
