/* goodness_update: a layer's step along its own goodness. Portable. The definition is compiler/ops/goodness_update.py. */
#ifndef TAPEOUT_GOODNESS_UPDATE_H
#define TAPEOUT_GOODNESS_UPDATE_H

#include "row_update.h"

typedef struct {
    int32_t inputs, outputs;
    float rate;
} goodness_update_f32_params;

/* w and next_w outputs x inputs, b, y and next_b outputs, x inputs, d one; next_w may be w, next_b may be b */
static inline void goodness_update_floats(const goodness_update_f32_params *p, float_format format, float_format bias, const void *w,
                                          const void *b, const void *x, const void *y, const float *d, void *next_w, void *next_b)
{
    const float scale = p->rate * *d;
    for (int32_t o = 0; o < p->outputs; o++) {
        update_row(p->inputs, o, scale * load_float(y, o, format), format, bias, w, b, x, next_w, next_b);
    }
}

typedef goodness_update_f32_params goodness_update_f16_params;
typedef goodness_update_f32_params goodness_update_bf16_params;
typedef goodness_update_f32_params goodness_update_f16_f32_params;
typedef goodness_update_f32_params goodness_update_bf16_f32_params;

static inline void goodness_update_f32(const goodness_update_f32_params *p, const float *w, const float *b, const float *x, const float *y,
                                       const float *d, float *next_w, float *next_b)
{
    goodness_update_floats(p, FORMAT_F32, FORMAT_F32, w, b, x, y, d, next_w, next_b);
}

static inline void goodness_update_f16(const goodness_update_f16_params *p, const uint16_t *w, const uint16_t *b, const uint16_t *x,
                                       const uint16_t *y, const float *d, uint16_t *next_w, uint16_t *next_b)
{
    goodness_update_floats(p, FORMAT_F16, FORMAT_F16, w, b, x, y, d, next_w, next_b);
}

static inline void goodness_update_bf16(const goodness_update_bf16_params *p, const uint16_t *w, const uint16_t *b, const uint16_t *x,
                                        const uint16_t *y, const float *d, uint16_t *next_w, uint16_t *next_b)
{
    goodness_update_floats(p, FORMAT_BF16, FORMAT_BF16, w, b, x, y, d, next_w, next_b);
}

static inline void goodness_update_f16_f32(const goodness_update_f16_f32_params *p, const uint16_t *w, const float *b, const uint16_t *x,
                                           const uint16_t *y, const float *d, uint16_t *next_w, float *next_b)
{
    goodness_update_floats(p, FORMAT_F16, FORMAT_F32, w, b, x, y, d, next_w, next_b);
}

static inline void goodness_update_bf16_f32(const goodness_update_bf16_f32_params *p, const uint16_t *w, const float *b, const uint16_t *x,
                                            const uint16_t *y, const float *d, uint16_t *next_w, float *next_b)
{
    goodness_update_floats(p, FORMAT_BF16, FORMAT_F32, w, b, x, y, d, next_w, next_b);
}

#endif
