/* goodness: the mean of squares. Portable. The definition is compiler/ops/goodness.py. */
#ifndef TAPEOUT_GOODNESS_H
#define TAPEOUT_GOODNESS_H

#include <stdint.h>

typedef struct {
    int32_t size;
} goodness_f32_params;

/* y size elements, mean one. The sum runs from +0 in order. */
static inline void goodness_f32(const goodness_f32_params *p, const float *y, float *mean)
{
    float total = 0.0f;
    for (int32_t i = 0; i < p->size; i++) {
        total += y[i] * y[i];
    }
    *mean = total / (float)p->size;
}

#endif
