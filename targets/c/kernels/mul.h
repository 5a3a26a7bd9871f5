/* mul: elementwise product of two tensors, broadcast.
 * Portable: one loop over rows of the result, no scratch memory. The definition is compiler/ops/mul.py. */
#ifndef TAPEOUT_MUL_H
#define TAPEOUT_MUL_H

#include "f16.h"
#include "fixed.h"
#include "walk.h"

typedef struct {
    int32_t shape[5], x_stride[5], y_stride[5];    /* axes of the result; strides count elements, 0 where an operand is broadcast */
    int32_t x_zero, y_zero, out_zero, lo, hi;
    rounding rounding;
} mul_s8_params;

/* x and y as their strides say, mul and shift one entry, out shape, contiguous; out may be x or y where that has the result's shape */
static inline void mul_s8(const mul_s8_params *p, const int8_t *x, const int8_t *y, const int32_t *mul, const int8_t *shift, int8_t *out)
{
    for (int32_t row = 0; row < walk_rows(p->shape); row++) {
        const int8_t *a = x + walk_offset(p->shape, p->x_stride, row);
        const int8_t *b = y + walk_offset(p->shape, p->y_stride, row);
        for (int32_t i = 0; i < p->shape[4]; i++) {
            const int32_t product = (a[i * p->x_stride[4]] - p->x_zero) * (b[i * p->y_stride[4]] - p->y_zero);
            *out++ = (int8_t)clamp(requantize(product, *mul, *shift, p->rounding) + p->out_zero, p->lo, p->hi);
        }
    }
}

typedef struct {
    int32_t shape[5], x_stride[5], y_stride[5];
    float lo, hi;
} mul_f32_params;

/* Shapes as above. */
static inline void mul_floats(const mul_f32_params *p, float_format format, const void *x, const void *y, void *out)
{
    for (int32_t row = 0; row < walk_rows(p->shape); row++) {
        const int32_t a = walk_offset(p->shape, p->x_stride, row);
        const int32_t b = walk_offset(p->shape, p->y_stride, row);
        for (int32_t i = 0; i < p->shape[4]; i++) {
            const float product = load_float(x, a + i * p->x_stride[4], format) * load_float(y, b + i * p->y_stride[4], format);
            store_float(out, row * p->shape[4] + i, format, clip_float(product, p->lo, p->hi));
        }
    }
}

typedef mul_f32_params mul_f16_params;
typedef mul_f32_params mul_bf16_params;

static inline void mul_f32(const mul_f32_params *p, const float *x, const float *y, float *out)
{
    mul_floats(p, FORMAT_F32, x, y, out);
}

static inline void mul_f16(const mul_f16_params *p, const uint16_t *x, const uint16_t *y, uint16_t *out)
{
    mul_floats(p, FORMAT_F16, x, y, out);
}

static inline void mul_bf16(const mul_bf16_params *p, const uint16_t *x, const uint16_t *y, uint16_t *out)
{
    mul_floats(p, FORMAT_BF16, x, y, out);
}

#endif
