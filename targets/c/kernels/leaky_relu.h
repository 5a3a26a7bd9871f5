/* leaky_relu: floats, multiplied by alpha where negative. The definition is compiler/ops/leaky_relu.py. */
#ifndef TAPEOUT_LEAKY_RELU_H
#define TAPEOUT_LEAKY_RELU_H

#include <stdint.h>

typedef struct {
    int32_t size;
    float alpha;
} leaky_relu_f32_params;

/* x and y hold size elements and may be the same memory. */
static inline void leaky_relu_f32(const leaky_relu_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = x[i] < 0.0f ? p->alpha * x[i] : x[i];
    }
}

#endif
