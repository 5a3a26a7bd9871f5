/* pad: a constant around a tensor. The definition is compiler/ops/pad.py. */
#ifndef TAPEOUT_PAD_H
#define TAPEOUT_PAD_H

#include "copy.h"

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

/* x and y do not overlap. */
static inline void pad_f32(const pad_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = p->value;
    }
    copy_strided(p->shape, x + p->x_offset, p->x_stride, y + p->y_offset, p->y_stride, sizeof *x);
}

#endif
