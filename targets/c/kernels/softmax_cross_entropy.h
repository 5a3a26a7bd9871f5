/* softmax_cross_entropy: the loss and its gradient. Portable. The definition is compiler/ops/softmax_cross_entropy.py. */
#ifndef TAPEOUT_SOFTMAX_CROSS_ENTROPY_H
#define TAPEOUT_SOFTMAX_CROSS_ENTROPY_H

#include "f32.h"
#include <math.h>
#include <stdint.h>

typedef struct {
    int32_t rows, columns;
} softmax_cross_entropy_f32_params;

/* z, t and dz rows x columns, loss one. All sums run from +0 in order; dz holds the exponentials of its row at first. */
static inline void softmax_cross_entropy_f32(const softmax_cross_entropy_f32_params *p, const float *z, const float *t, float *dz, float *loss)
{
    const float rows = (float)p->rows;
    float all = 0.0f;
    for (int32_t row = 0; row < p->rows; row++) {
        float largest = -INFINITY;
        float total = 0.0f;
        float wanted = 0.0f;
        for (int32_t i = 0; i < p->columns; i++) {
            largest = z[i] > largest ? z[i] : largest;
        }
        for (int32_t i = 0; i < p->columns; i++) {
            dz[i] = exp_scalar(z[i] - largest);
            total += dz[i];
            wanted += t[i];
        }
        const float logarithm = log_scalar(total);
        for (int32_t i = 0; i < p->columns; i++) {
            all += t[i] * (logarithm - (z[i] - largest));
            dz[i] = (dz[i] / total * wanted - t[i]) / rows;
        }
        z += p->columns;
        t += p->columns;
        dz += p->columns;
    }
    *loss = all / rows;
}

#endif
