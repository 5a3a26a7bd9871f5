/* sigmoid: the logistic function of floats. The definition is compiler/ops/sigmoid.py. */
#ifndef TAPEOUT_SIGMOID_H
#define TAPEOUT_SIGMOID_H

#include "f32.h"

typedef struct {
    int32_t size;
} sigmoid_f32_params;

/* x and y hold size elements and may be the same memory. */
static inline void sigmoid_f32(const sigmoid_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = sigmoid_scalar(x[i]);
    }
}

#endif
