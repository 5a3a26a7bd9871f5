/* hard_swish: x * (min(max(x + 3, 0), 6) / 6) on floats. The definition is compiler/ops/hard_swish.py. */
#ifndef TAPEOUT_HARD_SWISH_H
#define TAPEOUT_HARD_SWISH_H

#include <stdint.h>

typedef struct {
    int32_t size;
} hard_swish_f32_params;

/* x and y hold size elements and may be the same memory. */
static inline void hard_swish_f32(const hard_swish_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        float gate = x[i] + 3.0f;
        gate = gate < 0.0f ? 0.0f : gate;
        gate = gate > 6.0f ? 6.0f : gate;
        y[i] = x[i] * (gate * 0x1.555556p-3f);
    }
}

#endif
