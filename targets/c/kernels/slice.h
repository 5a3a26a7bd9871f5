/* slice: a part of a tensor, with steps. The definition is compiler/ops/slice.py. */
#ifndef TAPEOUT_SLICE_H
#define TAPEOUT_SLICE_H

#include "copy.h"

typedef struct {
    int32_t shape[5], x_stride[5], y_stride[5]; /* in elements; unused axes come first */
    int32_t x_offset, y_offset;
} slice_s8_params;

/* x and y do not overlap, unless the part is one run of elements. */
static inline void slice_s8(const slice_s8_params *p, const int8_t *x, int8_t *y)
{
    copy_strided(p->shape, x + p->x_offset, p->x_stride, y + p->y_offset, p->y_stride, sizeof *x);
}

typedef struct {
    int32_t shape[5], x_stride[5], y_stride[5]; /* in elements; unused axes come first */
    int32_t x_offset, y_offset;
} slice_f32_params;

/* x and y do not overlap, unless the part is one run of elements. */
static inline void slice_f32(const slice_f32_params *p, const float *x, float *y)
{
    copy_strided(p->shape, x + p->x_offset, p->x_stride, y + p->y_offset, p->y_stride, sizeof *x);
}

typedef slice_s8_params slice_s16_params;

static inline void slice_s16(const slice_s16_params *p, const int16_t *x, int16_t *y)
{
    copy_strided(p->shape, x + p->x_offset, p->x_stride, y + p->y_offset, p->y_stride, sizeof *x);
}

typedef slice_f32_params slice_f16_params;

static inline void slice_f16(const slice_f16_params *p, const uint16_t *x, uint16_t *y)
{
    copy_strided(p->shape, x + p->x_offset, p->x_stride, y + p->y_offset, p->y_stride, sizeof *x);
}

typedef slice_f32_params slice_bf16_params;

static inline void slice_bf16(const slice_bf16_params *p, const uint16_t *x, uint16_t *y)
{
    copy_strided(p->shape, x + p->x_offset, p->x_stride, y + p->y_offset, p->y_stride, sizeof *x);
}

#endif
