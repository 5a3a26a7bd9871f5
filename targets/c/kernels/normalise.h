/* normalise: activities divided by their length. Portable. The definition is compiler/ops/normalise.py. */
#ifndef TAPEOUT_NORMALISE_H
#define TAPEOUT_NORMALISE_H

#include "f32.h"

typedef struct {
    int32_t size;
    float epsilon;
} normalise_f32_params;

/* x and y size elements, y may be x. The sum of squares runs from +0 in order. */
static inline void normalise_f32(const normalise_f32_params *p, const float *x, float *y)
{
    float total = 0.0f;
    for (int32_t i = 0; i < p->size; i++) {
        total += x[i] * x[i];
    }
    const float length = root_scalar(total / (float)p->size) + p->epsilon;
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = x[i] / length;
    }
}

#endif
