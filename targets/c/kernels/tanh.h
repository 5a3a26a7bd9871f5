/* tanh: the hyperbolic tangent of floats. The definition is compiler/ops/tanh.py. */
#ifndef TAPEOUT_TANH_H
#define TAPEOUT_TANH_H

#include "f32.h"

typedef struct {
    int32_t size;
} tanh_f32_params;

/* x and y hold size elements and may be the same memory. */
static inline void tanh_f32(const tanh_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = tanh_scalar(x[i]);
    }
}

#endif
