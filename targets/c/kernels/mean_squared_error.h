/* mean_squared_error: the loss and its gradient. Portable. The definition is compiler/ops/mean_squared_error.py. */
#ifndef TAPEOUT_MEAN_SQUARED_ERROR_H
#define TAPEOUT_MEAN_SQUARED_ERROR_H

#include <stdint.h>

typedef struct {
    int32_t size;
} mean_squared_error_f32_params;

/* z, t and dz size elements, loss one. The sum runs from +0 over the elements. */
static inline void mean_squared_error_f32(const mean_squared_error_f32_params *p, const float *z, const float *t, float *dz, float *loss)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < p->size; i++) {
        const float difference = z[i] - t[i];
        sum += difference * difference;
        dz[i] = (difference + difference) / (float)p->size;
    }
    *loss = sum / (float)p->size;
}

#endif
