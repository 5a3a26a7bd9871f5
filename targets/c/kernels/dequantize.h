/* dequantize: codes or sums to floats. The definition is compiler/ops/dequantize.py. */
#ifndef TAPEOUT_DEQUANTIZE_H
#define TAPEOUT_DEQUANTIZE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int32_t size, channels;
    float scale;
    int32_t zero;
} dequantize_params;

typedef dequantize_params dequantize_s8_f32_params;
typedef dequantize_params dequantize_s16_f32_params;
typedef dequantize_params dequantize_s32_f32_params;
typedef dequantize_params dequantize_s64_f32_params;
typedef dequantize_params dequantize_b1_f32_params;

/* x and y hold size elements and do not overlap; scale holds one per channel, or is NULL. */
static inline void dequantize_s8_f32(const dequantize_params *p, const int8_t *x, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (float)(x[i] - p->zero) * p->scale;
    }
}

static inline void dequantize_s16_f32(const dequantize_params *p, const int16_t *x, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (float)(x[i] - p->zero) * p->scale;
    }
}

/* Sums, whose zero point is 0; the conversion rounds half to even. */
static inline void dequantize_s32_f32(const dequantize_params *p, const int32_t *x, const float *scale, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (float)x[i] * (scale ? scale[i % p->channels] : p->scale);
    }
}

static inline void dequantize_s64_f32(const dequantize_params *p, const int64_t *x, const float *scale, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (float)x[i] * (scale ? scale[i % p->channels] : p->scale);
    }
}

/* Packed bipolar codes, rows of `channels`. */
static inline void dequantize_b1_f32(const dequantize_params *p, const uint8_t *x, float *y)
{
    for (int32_t row = 0; row < p->size / p->channels; row++) {
        for (int32_t c = 0; c < p->channels; c++) {
            *y++ = x[c / 8] >> c % 8 & 1 ? p->scale : -p->scale;
        }
        x += (p->channels + 7) / 8;
    }
}

#endif
