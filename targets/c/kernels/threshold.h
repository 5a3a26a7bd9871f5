/* threshold: floats, or codes, to the number of thresholds that they reach. The definition is compiler/ops/threshold.py. */
#ifndef TAPEOUT_THRESHOLD_H
#define TAPEOUT_THRESHOLD_H

#include <stdint.h>

typedef struct {
    int32_t size, channels;
    int32_t lo, step, levels;
    int32_t per_channel; /* whether each channel has its own thresholds and direction */
} threshold_params;

typedef threshold_params threshold_f32_s8_params;
typedef threshold_params threshold_f32_b1_params;
typedef threshold_params threshold_s8_params;
typedef threshold_params threshold_s8_b1_params;
typedef threshold_params threshold_u8_s8_params;
typedef threshold_params threshold_u8_b1_params;
typedef threshold_params threshold_s16_s8_params;
typedef threshold_params threshold_s16_b1_params;

/* The code of x in channel c. Thresholds are in order, so that those reached come first; NaN reaches none. */
static inline int32_t threshold_code(const threshold_params *p, float x, const float *t, const int8_t *descending, int32_t c)
{
    const int32_t channel = p->per_channel ? c : 0;
    int32_t reached = 0;
    int32_t end = p->levels;
    while (reached < end) {
        const int32_t k = (reached + end) / 2;
        const float bound = t[channel * p->levels + k];
        if (descending[channel] ? x <= bound : x >= bound) {
            reached = k + 1;
        } else {
            end = k;
        }
    }
    return p->lo + p->step * reached;
}

/* x and y size, rows of `channels`; t channels x levels and descending channels, or one row and entry for all. */
static inline void threshold_f32_s8(const threshold_params *p, const float *x, const float *t, const int8_t *descending, int8_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int8_t)threshold_code(p, x[i], t, descending, i % p->channels);
    }
}

/* As above, y packed. */
static inline void threshold_f32_b1(const threshold_params *p, const float *x, const float *t, const int8_t *descending, uint8_t *y)
{
    for (int32_t row = 0; row < p->size / p->channels; row++) {
        for (int32_t c = 0; c < p->channels; c++) {
            const int32_t bit = threshold_code(p, *x++, t, descending, c) << c % 8;
            y[c / 8] = (uint8_t)((c % 8 ? y[c / 8] : 0) | bit);
        }
        y += (p->channels + 7) / 8;
    }
}

/* The code of the code x in channel c, likewise. */
static inline int32_t threshold_code_of(const threshold_params *p, int32_t x, const int32_t *t, const int8_t *descending, int32_t c)
{
    const int32_t channel = p->per_channel ? c : 0;
    int32_t reached = 0;
    int32_t end = p->levels;
    while (reached < end) {
        const int32_t k = (reached + end) / 2;
        const int32_t bound = t[channel * p->levels + k];
        if (descending[channel] ? x <= bound : x >= bound) {
            reached = k + 1;
        } else {
            end = k;
        }
    }
    return p->lo + p->step * reached;
}

/* Codes x, with thresholds of 32 bits; y may begin where x begins, here and below. */
static inline void threshold_s8(const threshold_params *p, const int8_t *x, const int32_t *t, const int8_t *descending, int8_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int8_t)threshold_code_of(p, x[i], t, descending, i % p->channels);
    }
}

static inline void threshold_u8_s8(const threshold_params *p, const uint8_t *x, const int32_t *t, const int8_t *descending, int8_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int8_t)threshold_code_of(p, x[i], t, descending, i % p->channels);
    }
}

static inline void threshold_s16_s8(const threshold_params *p, const int16_t *x, const int32_t *t, const int8_t *descending, int8_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = (int8_t)threshold_code_of(p, x[i], t, descending, i % p->channels);
    }
}

/* As above, y packed. */
static inline void threshold_s8_b1(const threshold_params *p, const int8_t *x, const int32_t *t, const int8_t *descending, uint8_t *y)
{
    for (int32_t row = 0; row < p->size / p->channels; row++) {
        for (int32_t c = 0; c < p->channels; c++) {
            const int32_t bit = threshold_code_of(p, *x++, t, descending, c) << c % 8;
            y[c / 8] = (uint8_t)((c % 8 ? y[c / 8] : 0) | bit);
        }
        y += (p->channels + 7) / 8;
    }
}

static inline void threshold_u8_b1(const threshold_params *p, const uint8_t *x, const int32_t *t, const int8_t *descending, uint8_t *y)
{
    for (int32_t row = 0; row < p->size / p->channels; row++) {
        for (int32_t c = 0; c < p->channels; c++) {
            const int32_t bit = threshold_code_of(p, *x++, t, descending, c) << c % 8;
            y[c / 8] = (uint8_t)((c % 8 ? y[c / 8] : 0) | bit);
        }
        y += (p->channels + 7) / 8;
    }
}

static inline void threshold_s16_b1(const threshold_params *p, const int16_t *x, const int32_t *t, const int8_t *descending, uint8_t *y)
{
    for (int32_t row = 0; row < p->size / p->channels; row++) {
        for (int32_t c = 0; c < p->channels; c++) {
            const int32_t bit = threshold_code_of(p, *x++, t, descending, c) << c % 8;
            y[c / 8] = (uint8_t)((c % 8 ? y[c / 8] : 0) | bit);
        }
        y += (p->channels + 7) / 8;
    }
}

#endif
