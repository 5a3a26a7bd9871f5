/* bias_gradient: sums over all axes but the last. Portable. The definition is compiler/ops/bias_gradient.py. */
#ifndef TAPEOUT_BIAS_GRADIENT_H
#define TAPEOUT_BIAS_GRADIENT_H

#include <stdint.h>

typedef struct {
    int32_t rows, channels;
} bias_gradient_f32_params;

/* g rows x channels, db channels. Each sum runs from +0 over the rows. */
static inline void bias_gradient_f32(const bias_gradient_f32_params *p, const float *g, float *db)
{
    for (int32_t c = 0; c < p->channels; c++) {
        db[c] = 0.0f;
    }
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t c = 0; c < p->channels; c++) {
            db[c] += g[row * p->channels + c];
        }
    }
}

#endif
