/* clip_gradient: lets a gradient through where a clip has changed nothing. Portable. The definition is compiler/ops/clip_gradient.py. */
#ifndef TAPEOUT_CLIP_GRADIENT_H
#define TAPEOUT_CLIP_GRADIENT_H

#include "f16.h"
#include <math.h>

typedef struct {
    int32_t size;
    float lo, hi;
} clip_gradient_f32_params;

/* y, g and dx size elements; dx may be y or g */
static inline void clip_gradient_floats(const clip_gradient_f32_params *p, float_format format, const void *y, const void *g, void *dx)
{
    for (int32_t i = 0; i < p->size; i++) {
        const float at = load_float(y, i, format);
        store_float(dx, i, format, at > p->lo && at < p->hi ? load_float(g, i, format) : 0.0f);
    }
}

typedef clip_gradient_f32_params clip_gradient_f16_params;
typedef clip_gradient_f32_params clip_gradient_bf16_params;

static inline void clip_gradient_f32(const clip_gradient_f32_params *p, const float *y, const float *g, float *dx)
{
    clip_gradient_floats(p, FORMAT_F32, y, g, dx);
}

static inline void clip_gradient_f16(const clip_gradient_f16_params *p, const uint16_t *y, const uint16_t *g, uint16_t *dx)
{
    clip_gradient_floats(p, FORMAT_F16, y, g, dx);
}

static inline void clip_gradient_bf16(const clip_gradient_bf16_params *p, const uint16_t *y, const uint16_t *g, uint16_t *dx)
{
    clip_gradient_floats(p, FORMAT_BF16, y, g, dx);
}

#endif
