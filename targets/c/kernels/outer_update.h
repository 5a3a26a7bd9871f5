/* outer_update: a layer's step along an error times its input. Portable. The definition is compiler/ops/outer_update.py. */
#ifndef TAPEOUT_OUTER_UPDATE_H
#define TAPEOUT_OUTER_UPDATE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int32_t inputs, outputs;
    float learning_rate;
} outer_update_f32_params;

/* w and next_w outputs x inputs, b, y and next_b outputs, z outputs or NULL, x inputs; next_w may be w, next_b may be b */
static inline void outer_update_f32(const outer_update_f32_params *p, const float *w, const float *b, const float *x, const float *y,
                                    const float *z, float *next_w, float *next_b)
{
    for (int32_t o = 0; o < p->outputs; o++) {
        const float s = p->learning_rate * (z ? y[o] - z[o] : y[o]);
        for (int32_t i = 0; i < p->inputs; i++) {
            next_w[o * p->inputs + i] = w[o * p->inputs + i] - s * x[i];
        }
        next_b[o] = b[o] - s;
    }
}

#endif
