/* goodness_update: a layer's step along its own goodness. Portable. The definition is compiler/ops/goodness_update.py. */
#ifndef TAPEOUT_GOODNESS_UPDATE_H
#define TAPEOUT_GOODNESS_UPDATE_H

#include <stdint.h>

typedef struct {
    int32_t inputs, outputs;
    float rate;
} goodness_update_f32_params;

/* w and next_w outputs x inputs, b, y and next_b outputs, x inputs, d one; next_w may be w, next_b may be b */
static inline void goodness_update_f32(const goodness_update_f32_params *p, const float *w, const float *b, const float *x, const float *y,
                                       const float *d, float *next_w, float *next_b)
{
    const float scale = p->rate * *d;
    for (int32_t o = 0; o < p->outputs; o++) {
        const float s = scale * y[o];
        for (int32_t i = 0; i < p->inputs; i++) {
            next_w[o * p->inputs + i] = w[o * p->inputs + i] - s * x[i];
        }
        next_b[o] = b[o] - s;
    }
}

#endif
