/* clip: bounds below and above; relu and relu6. The definition is compiler/ops/clip.py. */
#ifndef TAPEOUT_CLIP_H
#define TAPEOUT_CLIP_H

#include "f16.h"
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

/* As above. */
static inline void clip_floats(const clip_f32_params *p, float_format format, const void *x, void *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        store_float(y, i, format, clip_float(load_float(x, i, format), p->lo, p->hi));
    }
}

typedef clip_f32_params clip_f16_params;
typedef clip_f32_params clip_bf16_params;

static inline void clip_f32(const clip_f32_params *p, const float *x, float *y)
{
    clip_floats(p, FORMAT_F32, x, y);
}

static inline void clip_f16(const clip_f16_params *p, const uint16_t *x, uint16_t *y)
{
    clip_floats(p, FORMAT_F16, x, y);
}

static inline void clip_bf16(const clip_bf16_params *p, const uint16_t *x, uint16_t *y)
{
    clip_floats(p, FORMAT_BF16, x, y);
}

#endif
