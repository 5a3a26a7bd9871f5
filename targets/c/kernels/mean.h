/* mean: mean over axes of a dense tensor.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/mean.py. */
#ifndef TAPEOUT_MEAN_H
#define TAPEOUT_MEAN_H

#include "f16.h"
#include "fixed.h"
#include "walk.h"

typedef struct {
    int32_t kept_shape[5], kept_stride[5];        /* the axes that stay; strides count elements of x */
    int32_t reduced_shape[5], reduced_stride[5];  /* the axes that go */
    int32_t x_zero, y_zero, lo, hi;
    rounding rounding;
} mean_s8_params;

/* x kept and reduced axes as in the source, mul and shift one entry, y kept_shape, contiguous */
static inline void mean_s8(const mean_s8_params *p, const int8_t *x, const int32_t *mul, const int8_t *shift, int8_t *y)
{
    for (int32_t row = 0; row < walk_rows(p->kept_shape); row++) {
        for (int32_t i = 0; i < p->kept_shape[4]; i++) {
            const int8_t *first = x + walk_offset(p->kept_shape, p->kept_stride, row) + i * p->kept_stride[4];
            int32_t sum = 0;
            for (int32_t part = 0; part < walk_rows(p->reduced_shape); part++) {
                const int8_t *run = first + walk_offset(p->reduced_shape, p->reduced_stride, part);
                for (int32_t j = 0; j < p->reduced_shape[4]; j++) {
                    sum += run[j * p->reduced_stride[4]] - p->x_zero;
                }
            }
            *y++ = (int8_t)clamp(requantize(sum, *mul, *shift, p->rounding) + p->y_zero, p->lo, p->hi);
        }
    }
}

typedef struct {
    int32_t kept_shape[5], kept_stride[5];
    int32_t reduced_shape[5], reduced_stride[5];
    int32_t count;
} mean_f32_params;

/* Shapes as above. The sum runs from +0 over the reduced elements as they lie in memory; then one division. */
static inline void mean_floats(const mean_f32_params *p, float_format format, const void *x, void *y)
{
    int32_t at = 0;
    for (int32_t row = 0; row < walk_rows(p->kept_shape); row++) {
        for (int32_t i = 0; i < p->kept_shape[4]; i++) {
            const int32_t first = walk_offset(p->kept_shape, p->kept_stride, row) + i * p->kept_stride[4];
            float sum = 0.0f;
            for (int32_t part = 0; part < walk_rows(p->reduced_shape); part++) {
                const int32_t run = first + walk_offset(p->reduced_shape, p->reduced_stride, part);
                for (int32_t j = 0; j < p->reduced_shape[4]; j++) {
                    sum += load_float(x, run + j * p->reduced_stride[4], format);
                }
            }
            store_float(y, at++, format, sum / (float)p->count);
        }
    }
}

typedef mean_f32_params mean_f16_params;
typedef mean_f32_params mean_bf16_params;

static inline void mean_f32(const mean_f32_params *p, const float *x, float *y)
{
    mean_floats(p, FORMAT_F32, x, y);
}

static inline void mean_f16(const mean_f16_params *p, const uint16_t *x, uint16_t *y)
{
    mean_floats(p, FORMAT_F16, x, y);
}

static inline void mean_bf16(const mean_bf16_params *p, const uint16_t *x, uint16_t *y)
{
    mean_floats(p, FORMAT_BF16, x, y);
}

#endif
