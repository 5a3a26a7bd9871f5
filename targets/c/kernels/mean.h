/* mean: mean over axes of a dense tensor.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/mean.py. */
#ifndef TAPEOUT_MEAN_H
#define TAPEOUT_MEAN_H

#include "fixed.h"
#include "walk.h"

typedef struct {
    int32_t kept_dims[5], kept_steps[5];        /* the axes that stay; steps count elements of x */
    int32_t reduced_dims[5], reduced_steps[5];  /* the axes that go */
    int32_t x_zero, y_zero, lo, hi;
    rounding rounding;
} mean_s8_params;

/* x kept and reduced axes as in the source, mul and shift one entry, y kept_dims, dense */
static inline void mean_s8(const mean_s8_params *p, const int8_t *x, const int32_t *mul, const int8_t *shift, int8_t *y)
{
    for (int32_t row = 0; row < walk_rows(p->kept_dims); row++) {
        for (int32_t i = 0; i < p->kept_dims[4]; i++) {
            const int8_t *first = x + walk_offset(p->kept_dims, p->kept_steps, row) + i * p->kept_steps[4];
            int32_t sum = 0;
            for (int32_t part = 0; part < walk_rows(p->reduced_dims); part++) {
                const int8_t *run = first + walk_offset(p->reduced_dims, p->reduced_steps, part);
                for (int32_t j = 0; j < p->reduced_dims[4]; j++) {
                    sum += run[j * p->reduced_steps[4]] - p->x_zero;
                }
            }
            *y++ = (int8_t)clamp(requantize(sum, *mul, *shift, p->rounding) + p->y_zero, p->lo, p->hi);
        }
    }
}

typedef struct {
    int32_t kept_dims[5], kept_steps[5];
    int32_t reduced_dims[5], reduced_steps[5];
    int32_t count;
} mean_f32_params;

/* Shapes as above. The sum runs from +0 over the reduced elements as they lie in memory; then one division. */
static inline void mean_f32(const mean_f32_params *p, const float *x, float *y)
{
    for (int32_t row = 0; row < walk_rows(p->kept_dims); row++) {
        for (int32_t i = 0; i < p->kept_dims[4]; i++) {
            const float *first = x + walk_offset(p->kept_dims, p->kept_steps, row) + i * p->kept_steps[4];
            float sum = 0.0f;
            for (int32_t part = 0; part < walk_rows(p->reduced_dims); part++) {
                const float *run = first + walk_offset(p->reduced_dims, p->reduced_steps, part);
                for (int32_t j = 0; j < p->reduced_dims[4]; j++) {
                    sum += run[j * p->reduced_steps[4]];
                }
            }
            *y++ = sum / (float)p->count;
        }
    }
}

#endif
