/* scale_sums: integer sums to floats by a scale that is computed. The definition is compiler/ops/scale_sums.py. */
#ifndef TAPEOUT_SCALE_SUMS_H
#define TAPEOUT_SCALE_SUMS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int32_t size, channels; /* of the output */
    int32_t blocks;         /* sums per element of the output */
    float lo, hi;
} scale_sums_params;

typedef scale_sums_params scale_sums_s32_f32_params;
typedef scale_sums_params scale_sums_s64_f32_params;

/* The element of channel c from its first product on. */
static inline float scaled_sum(const scale_sums_params *p, float y, const float *b, int32_t c)
{
    y = b ? y + b[c] : y;
    y = y < p->lo ? p->lo : y;
    return y > p->hi ? p->hi : y;
}

/* x size x blocks, scale 1, w_scale channels x blocks, b channels or NULL, y size */
static inline void scale_sums_s32_f32(const scale_sums_params *p, const int32_t *x, const float *scale, const float *w_scale,
                                      const float *b, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        const int32_t c = i % p->channels;
        float sum = (float)x[i * p->blocks] * (*scale * w_scale[c * p->blocks]);
        for (int32_t block = 1; block < p->blocks; block++) {
            sum += (float)x[i * p->blocks + block] * (*scale * w_scale[c * p->blocks + block]);
        }
        y[i] = scaled_sum(p, sum, b, c);
    }
}

/* As above. */
static inline void scale_sums_s64_f32(const scale_sums_params *p, const int64_t *x, const float *scale, const float *w_scale,
                                      const float *b, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        const int32_t c = i % p->channels;
        float sum = (float)x[i * p->blocks] * (*scale * w_scale[c * p->blocks]);
        for (int32_t block = 1; block < p->blocks; block++) {
            sum += (float)x[i * p->blocks + block] * (*scale * w_scale[c * p->blocks + block]);
        }
        y[i] = scaled_sum(p, sum, b, c);
    }
}

#endif
