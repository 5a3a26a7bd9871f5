/* dense_weight_gradient: the gradient of the weights of dense. Portable. The definition is compiler/ops/dense_weight_gradient.py. */
#ifndef TAPEOUT_DENSE_WEIGHT_GRADIENT_H
#define TAPEOUT_DENSE_WEIGHT_GRADIENT_H

#include <stdint.h>

typedef struct {
    int32_t rows, inputs, outputs;
} dense_weight_gradient_f32_params;

/* x rows x inputs, g rows x outputs, dw outputs x inputs. Each sum runs from +0 over the rows, its products rounded. */
static inline void dense_weight_gradient_f32(const dense_weight_gradient_f32_params *p, const float *x, const float *g, float *dw)
{
    for (int32_t i = 0; i < p->outputs * p->inputs; i++) {
        dw[i] = 0.0f;
    }
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t o = 0; o < p->outputs; o++) {
            const float scale = g[row * p->outputs + o];
            for (int32_t i = 0; i < p->inputs; i++) {
                dw[o * p->inputs + i] += scale * x[row * p->inputs + i];
            }
        }
    }
}

#endif
