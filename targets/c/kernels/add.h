/* add: elementwise sum of two tensors, broadcast.
 * Portable: one loop over rows of the result, no scratch memory. The definition is compiler/ops/add.py. */
#ifndef TAPEOUT_ADD_H
#define TAPEOUT_ADD_H

#include "fixed.h"
#include "walk.h"

typedef struct {
    int32_t dims[5], x_steps[5], y_steps[5];    /* axes of the result; steps count elements, 0 where an operand is broadcast */
    int32_t x_zero, x_mul, x_shift;
    int32_t y_zero, y_mul, y_shift;
    int32_t left;                               /* bits of fraction in the sum */
    int32_t out_mul, out_shift, out_zero, lo, hi;
    rounding rounding;
} add_s8_params;

/* x and y as their steps say, out dims, dense; out may be x or y where that has the result's shape */
static inline void add_s8(const add_s8_params *p, const int8_t *x, const int8_t *y, int8_t *out)
{
    for (int32_t row = 0; row < walk_rows(p->dims); row++) {
        const int8_t *a = x + walk_offset(p->dims, p->x_steps, row);
        const int8_t *b = y + walk_offset(p->dims, p->y_steps, row);
        for (int32_t i = 0; i < p->dims[4]; i++) {
            const int32_t first = (a[i * p->x_steps[4]] - p->x_zero) * ((int32_t)1 << p->left);
            const int32_t second = (b[i * p->y_steps[4]] - p->y_zero) * ((int32_t)1 << p->left);
            const int32_t total = requantize(first, p->x_mul, p->x_shift, p->rounding)
                                  + requantize(second, p->y_mul, p->y_shift, p->rounding);
            const int32_t scaled = requantize(total, p->out_mul, p->out_shift, p->rounding);
            *out++ = (int8_t)clamp(scaled + p->out_zero, p->lo, p->hi);
        }
    }
}

typedef struct {
    int32_t dims[5], x_steps[5], y_steps[5];
    float lo, hi;
} add_f32_params;

/* Shapes as above. */
static inline void add_f32(const add_f32_params *p, const float *x, const float *y, float *out)
{
    for (int32_t row = 0; row < walk_rows(p->dims); row++) {
        const float *a = x + walk_offset(p->dims, p->x_steps, row);
        const float *b = y + walk_offset(p->dims, p->y_steps, row);
        for (int32_t i = 0; i < p->dims[4]; i++) {
            float total = a[i * p->x_steps[4]] + b[i * p->y_steps[4]];
            total = total < p->lo ? p->lo : total;
            *out++ = total > p->hi ? p->hi : total;
        }
    }
}

#endif
