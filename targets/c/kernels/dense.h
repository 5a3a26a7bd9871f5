/* dense: fully connected layer over the last axis.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/dense.py. */
#ifndef TAPEOUT_DENSE_H
#define TAPEOUT_DENSE_H

#include "f16.h"
#include "fixed.h"
#include <stddef.h>

typedef struct {
    int32_t rows, inputs, outputs;
    int32_t w_zero, x_zero, y_zero, lo, hi;
    int32_t per_channel; /* whether mul and shift hold one entry per output */
    rounding rounding;
} dense_s8_params;

/* x rows x inputs, w outputs x inputs, b outputs or NULL, y rows x outputs */
static inline void dense_s8(const dense_s8_params *p, const int8_t *x, const int8_t *w, const int32_t *b,
                            const int32_t *mul, const int8_t *shift, int8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t o = 0; o < p->outputs; o++) {
            const int8_t *weights = w + o * p->inputs;
            int32_t sum = b ? b[o] : 0;
            for (int32_t i = 0; i < p->inputs; i++) {
                sum += (x[i] - p->x_zero) * (weights[i] - p->w_zero);
            }
            const int32_t scaled = requantize(sum, mul[p->per_channel ? o : 0], shift[p->per_channel ? o : 0], p->rounding);
            *y++ = (int8_t)clamp(scaled + p->y_zero, p->lo, p->hi);
        }
        x += p->inputs;
    }
}

typedef struct {
    int32_t rows, inputs, outputs;
    float lo, hi;
} dense_f32_params;

/* Shapes as above. The sum runs from +0 over the inputs, by the rule of add_product; then b; then the clip. */
static inline void dense_floats(const dense_f32_params *p, float_format format, float_sums sums, const void *x, const void *w, const void *b,
                                void *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t o = 0; o < p->outputs; o++) {
            float sum = 0.0f;
            for (int32_t i = 0; i < p->inputs; i++) {
                const float element = load_float(x, row * p->inputs + i, format);
                sum = add_product(sum, element, load_float(w, o * p->inputs + i, format), sums);
            }
            store_float(y, row * p->outputs + o, format, finish_sum(sum, b, o, sums, p->lo, p->hi));
        }
    }
}

typedef dense_f32_params dense_f16_params;
typedef dense_f32_params dense_bf16_params;
typedef dense_f32_params dense_f16_fma_params;
typedef dense_f32_params dense_f32_fma_params;

static inline void dense_f32(const dense_f32_params *p, const float *x, const float *w, const float *b, float *y)
{
    dense_floats(p, FORMAT_F32, SUMS_F32, x, w, b, y);
}

static inline void dense_f16(const dense_f16_params *p, const uint16_t *x, const uint16_t *w, const float *b, uint16_t *y)
{
    dense_floats(p, FORMAT_F16, SUMS_F32, x, w, b, y);
}

static inline void dense_bf16(const dense_bf16_params *p, const uint16_t *x, const uint16_t *w, const float *b, uint16_t *y)
{
    dense_floats(p, FORMAT_BF16, SUMS_F32, x, w, b, y);
}

static inline void dense_f16_fma(const dense_f16_fma_params *p, const uint16_t *x, const uint16_t *w, const uint16_t *b, uint16_t *y)
{
    dense_floats(p, FORMAT_F16, SUMS_F16, x, w, b, y);
}

static inline void dense_f32_fma(const dense_f32_fma_params *p, const float *x, const float *w, const float *b, float *y)
{
    dense_floats(p, FORMAT_F32, SUMS_F32_FMA, x, w, b, y);
}

#endif
