/* pad: a constant around a tensor. The definition is compiler/ops/pad.py. */
#ifndef TAPEOUT_PAD_H
#define TAPEOUT_PAD_H

#include "copy.h"
#include "f16.h"

typedef struct {
    int32_t size; /* elements of y */
    int32_t value;
    int32_t shape[5], x_stride[5], y_stride[5]; /* in elements; unused axes come first */
    int32_t x_offset, y_offset;
} pad_s8_params;

/* x and y do not overlap. */
static inline void pad_s8(const pad_s8_params *p, const int8_t *x, int8_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int8_t)p->value;
    }
    copy_strided(p->shape, x + p->x_offset, p->x_stride, y + p->y_offset, p->y_stride, sizeof *x);
}

typedef struct {
    int32_t size; /* elements of y */
    float value;
    int32_t shape[5], x_stride[5], y_stride[5]; /* in elements; unused axes come first */
    int32_t x_offset, y_offset;
} pad_f32_params;

/* x and y do not overlap; `size` is the bytes of an element. */
static inline void pad_floats(const pad_f32_params *p, float_format format, int32_t size, const void *x, void *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        store_float(y, i, format, p->value);
    }
    copy_strided(p->shape, (const uint8_t *)x + p->x_offset * size, p->x_stride, (uint8_t *)y + p->y_offset * size, p->y_stride, size);
}

typedef pad_f32_params pad_f16_params;
typedef pad_f32_params pad_bf16_params;

static inline void pad_f32(const pad_f32_params *p, const float *x, float *y)
{
    pad_floats(p, FORMAT_F32, sizeof *x, x, y);
}

static inline void pad_f16(const pad_f16_params *p, const uint16_t *x, uint16_t *y)
{
    pad_floats(p, FORMAT_F16, sizeof *x, x, y);
}

static inline void pad_bf16(const pad_bf16_params *p, const uint16_t *x, uint16_t *y)
{
    pad_floats(p, FORMAT_BF16, sizeof *x, x, y);
}

#endif
