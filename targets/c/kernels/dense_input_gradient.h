/* dense_input_gradient: the gradient of the input of dense. Portable. The definition is compiler/ops/dense_input_gradient.py. */
#ifndef TAPEOUT_DENSE_INPUT_GRADIENT_H
#define TAPEOUT_DENSE_INPUT_GRADIENT_H

#include <stdint.h>

typedef struct {
    int32_t rows, inputs, outputs;
} dense_input_gradient_f32_params;

/* g rows x outputs, w outputs x inputs, dx rows x inputs. Each sum runs from +0 over the outputs, its products rounded. */
static inline void dense_input_gradient_f32(const dense_input_gradient_f32_params *p, const float *g, const float *w, float *dx)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t i = 0; i < p->inputs; i++) {
            dx[i] = 0.0f;
        }
        for (int32_t o = 0; o < p->outputs; o++) {
            for (int32_t i = 0; i < p->inputs; i++) {
                dx[i] += g[o] * w[o * p->inputs + i];
            }
        }
        g += p->outputs;
        dx += p->inputs;
    }
}

#endif
