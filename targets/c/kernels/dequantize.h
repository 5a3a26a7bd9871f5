/* dequantize: codes to floats. The definition is compiler/ops/dequantize.py. */
#ifndef TAPEOUT_DEQUANTIZE_H
#define TAPEOUT_DEQUANTIZE_H

#include <stdint.h>

typedef struct {
    int32_t size;
    float scale;
    int32_t zero;
} dequantize_s8_f32_params;

/* x and y hold size elements and do not overlap. */
static inline void dequantize_s8_f32(const dequantize_s8_f32_params *p, const int8_t *x, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (float)(x[i] - p->zero) * p->scale;
    }
}

#endif
