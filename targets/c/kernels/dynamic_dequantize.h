/* dynamic_dequantize: codes to floats by a scale and zero point that are computed. The definition is compiler/ops/dynamic_dequantize.py. */
#ifndef TAPEOUT_DYNAMIC_DEQUANTIZE_H
#define TAPEOUT_DYNAMIC_DEQUANTIZE_H

#include <stdint.h>

typedef struct {
    int32_t size;
} dynamic_dequantize_params;

typedef dynamic_dequantize_params dynamic_dequantize_s8_f32_params;
typedef dynamic_dequantize_params dynamic_dequantize_s16_f32_params;

/* x and y hold size elements and do not overlap; scale and zero hold one. */
static inline void dynamic_dequantize_s8_f32(const dynamic_dequantize_params *p, const int8_t *x, const float *scale,
                                             const int32_t *zero, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (float)(x[i] - *zero) * *scale;
    }
}

static inline void dynamic_dequantize_s16_f32(const dynamic_dequantize_params *p, const int16_t *x, const float *scale,
                                              const int32_t *zero, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (float)(x[i] - *zero) * *scale;
    }
}

#endif
