/* transpose: the axes of a tensor in another order. The definition is compiler/ops/transpose.py. */
#ifndef TAPEOUT_TRANSPOSE_H
#define TAPEOUT_TRANSPOSE_H

#include "copy.h"

typedef struct {
    int32_t shape[5], x_stride[5], y_stride[5]; /* in elements; unused axes come first */
    int32_t x_offset, y_offset;
} transpose_s8_params;

/* x and y do not overlap. */
static inline void transpose_s8(const transpose_s8_params *p, const int8_t *x, int8_t *y)
{
    copy_strided(p->shape, x + p->x_offset, p->x_stride, y + p->y_offset, p->y_stride, sizeof *x);
}

typedef struct {
    int32_t shape[5], x_stride[5], y_stride[5]; /* in elements; unused axes come first */
    int32_t x_offset, y_offset;
} transpose_f32_params;

/* x and y do not overlap. */
static inline void transpose_f32(const transpose_f32_params *p, const float *x, float *y)
{
    copy_strided(p->shape, x + p->x_offset, p->x_stride, y + p->y_offset, p->y_stride, sizeof *x);
}

typedef transpose_f32_params transpose_f16_params;

static inline void transpose_f16(const transpose_f16_params *p, const uint16_t *x, uint16_t *y)
{
    copy_strided(p->shape, x + p->x_offset, p->x_stride, y + p->y_offset, p->y_stride, sizeof *x);
}

typedef transpose_f32_params transpose_bf16_params;

static inline void transpose_bf16(const transpose_bf16_params *p, const uint16_t *x, uint16_t *y)
{
    copy_strided(p->shape, x + p->x_offset, p->x_stride, y + p->y_offset, p->y_stride, sizeof *x);
}

#endif
