/* clip: bounds below and above; relu and relu6. The definition is compiler/ops/clip.py. */
#ifndef TAPEOUT_CLIP_H
#define TAPEOUT_CLIP_H

#include "fixed.h"

typedef struct {
    int32_t size;
    int32_t lo, hi;
} clip_s8_params;

/* x and y hold size codes and may be the same memory. */
static inline void clip_s8(const clip_s8_params *p, const int8_t *x, int8_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int8_t)clamp(x[i], p->lo, p->hi);
    }
}

typedef struct {
    int32_t size;
    float lo, hi;
} clip_f32_params;

/* As above. The comparisons let a NaN through, and keep the sign of a zero. */
static inline void clip_f32(const clip_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        const float raised = x[i] < p->lo ? p->lo : x[i];
        y[i] = raised > p->hi ? p->hi : raised;
    }
}

#endif
