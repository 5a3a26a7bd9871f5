/* bias_gradient: sums over all axes but the last. Portable. The definition is compiler/ops/bias_gradient.py. */
#ifndef TAPEOUT_BIAS_GRADIENT_H
#define TAPEOUT_BIAS_GRADIENT_H

#include "f16.h"

typedef struct {
    int32_t rows, channels;
} bias_gradient_f32_params;

/* g rows x channels, db channels. Each sum runs from +0 over the rows; in f16, where each is rounded, a product with 1 changes nothing. */
static inline void bias_gradient_floats(const bias_gradient_f32_params *p, float_format format, float_sums sums, const void *g, void *db)
{
    for (int32_t c = 0; c < p->channels; c++) {
        float sum = 0.0f;
        for (int32_t row = 0; row < p->rows; row++) {
            sum = add_product(sum, load_float(g, row * p->channels + c, format), 1.0f, sums);
        }
        store_float(db, c, format, sum);
    }
}

typedef bias_gradient_f32_params bias_gradient_f16_params;
typedef bias_gradient_f32_params bias_gradient_f16_fma_params;
typedef bias_gradient_f32_params bias_gradient_bf16_params;

static inline void bias_gradient_f32(const bias_gradient_f32_params *p, const float *g, float *db)
{
    bias_gradient_floats(p, FORMAT_F32, SUMS_F32, g, db);
}

static inline void bias_gradient_f16(const bias_gradient_f16_params *p, const uint16_t *g, uint16_t *db)
{
    bias_gradient_floats(p, FORMAT_F16, SUMS_F32, g, db);
}

static inline void bias_gradient_f16_fma(const bias_gradient_f16_fma_params *p, const uint16_t *g, uint16_t *db)
{
    bias_gradient_floats(p, FORMAT_F16, SUMS_F16, g, db);
}

static inline void bias_gradient_bf16(const bias_gradient_bf16_params *p, const uint16_t *g, uint16_t *db)
{
    bias_gradient_floats(p, FORMAT_BF16, SUMS_F32, g, db);
}

#endif
