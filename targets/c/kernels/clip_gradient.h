/* clip_gradient: lets a gradient through where a clip has changed nothing. Portable. The definition is compiler/ops/clip_gradient.py. */
#ifndef TAPEOUT_CLIP_GRADIENT_H
#define TAPEOUT_CLIP_GRADIENT_H

#include <math.h>
#include <stdint.h>

typedef struct {
    int32_t size;
    float lo, hi;
} clip_gradient_f32_params;

/* y, g and dx size elements; dx may be y or g */
static inline void clip_gradient_f32(const clip_gradient_f32_params *p, const float *y, const float *g, float *dx)
{
    for (int32_t i = 0; i < p->size; i++) {
        dx[i] = y[i] > p->lo && y[i] < p->hi ? g[i] : 0.0f;
    }
}

#endif
