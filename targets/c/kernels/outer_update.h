/* outer_update: a layer's step along an error times its input. Portable. The definition is compiler/ops/outer_update.py. */
#ifndef TAPEOUT_OUTER_UPDATE_H
#define TAPEOUT_OUTER_UPDATE_H

#include "row_update.h"

typedef struct {
    int32_t inputs, outputs;
    float learning_rate;
} outer_update_f32_params;

/* w and next_w outputs x inputs, b, y and next_b outputs, z outputs or NULL, x inputs; next_w may be w, next_b may be b */
static inline void outer_update_floats(const outer_update_f32_params *p, float_format format, float_format bias, const void *w,
                                       const void *b, const void *x, const void *y, const void *z, void *next_w, void *next_b)
{
    for (int32_t o = 0; o < p->outputs; o++) {
        const float error = z ? load_float(y, o, format) - load_float(z, o, format) : load_float(y, o, format);
        update_row(p->inputs, o, p->learning_rate * error, format, bias, w, b, x, next_w, next_b);
    }
}

typedef outer_update_f32_params outer_update_f16_params;
typedef outer_update_f32_params outer_update_bf16_params;
typedef outer_update_f32_params outer_update_f16_f32_params;
typedef outer_update_f32_params outer_update_bf16_f32_params;

static inline void outer_update_f32(const outer_update_f32_params *p, const float *w, const float *b, const float *x, const float *y,
                                    const float *z, float *next_w, float *next_b)
{
    outer_update_floats(p, FORMAT_F32, FORMAT_F32, w, b, x, y, z, next_w, next_b);
}

static inline void outer_update_f16(const outer_update_f16_params *p, const uint16_t *w, const uint16_t *b, const uint16_t *x,
                                    const uint16_t *y, const uint16_t *z, uint16_t *next_w, uint16_t *next_b)
{
    outer_update_floats(p, FORMAT_F16, FORMAT_F16, w, b, x, y, z, next_w, next_b);
}

static inline void outer_update_bf16(const outer_update_bf16_params *p, const uint16_t *w, const uint16_t *b, const uint16_t *x,
                                     const uint16_t *y, const uint16_t *z, uint16_t *next_w, uint16_t *next_b)
{
    outer_update_floats(p, FORMAT_BF16, FORMAT_BF16, w, b, x, y, z, next_w, next_b);
}

static inline void outer_update_f16_f32(const outer_update_f16_f32_params *p, const uint16_t *w, const float *b, const uint16_t *x,
                                        const uint16_t *y, const uint16_t *z, uint16_t *next_w, float *next_b)
{
    outer_update_floats(p, FORMAT_F16, FORMAT_F32, w, b, x, y, z, next_w, next_b);
}

static inline void outer_update_bf16_f32(const outer_update_bf16_f32_params *p, const uint16_t *w, const float *b, const uint16_t *x,
                                         const uint16_t *y, const uint16_t *z, uint16_t *next_w, float *next_b)
{
    outer_update_floats(p, FORMAT_BF16, FORMAT_F32, w, b, x, y, z, next_w, next_b);
}

#endif
