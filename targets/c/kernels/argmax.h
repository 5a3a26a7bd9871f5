/* argmax: the place of the largest code of each row. The definition is compiler/ops/argmax.py. */
#ifndef TAPEOUT_ARGMAX_H
#define TAPEOUT_ARGMAX_H

#include <stdint.h>

typedef struct {
    int32_t rows, classes;
} argmax_params;

typedef argmax_params argmax_s8_params;
typedef argmax_params argmax_s8_u8_params;
typedef argmax_params argmax_s8_s16_params;
typedef argmax_params argmax_s16_s8_params;
typedef argmax_params argmax_s16_u8_params;
typedef argmax_params argmax_s16_params;
typedef argmax_params argmax_s32_s8_params;
typedef argmax_params argmax_s32_u8_params;
typedef argmax_params argmax_s32_s16_params;
typedef argmax_params argmax_s64_s8_params;
typedef argmax_params argmax_s64_u8_params;
typedef argmax_params argmax_s64_s16_params;

/* The first of the largest of n codes. */
static inline int32_t argmax_of_s8(const int8_t *x, int32_t n)
{
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

/* The first of the largest of n codes. */
static inline int32_t argmax_of_s16(const int16_t *x, int32_t n)
{
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

/* The first of the largest of n codes. */
static inline int32_t argmax_of_s32(const int32_t *x, int32_t n)
{
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

/* The first of the largest of n codes. */
static inline int32_t argmax_of_s64(const int64_t *x, int32_t n)
{
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

/* x rows x classes, y rows; they do not overlap, here and below. */
static inline void argmax_s8(const argmax_params *p, const int8_t *x, int8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        y[row] = (int8_t)argmax_of_s8(x + row * p->classes, p->classes);
    }
}

static inline void argmax_s8_u8(const argmax_params *p, const int8_t *x, uint8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        y[row] = (uint8_t)argmax_of_s8(x + row * p->classes, p->classes);
    }
}

static inline void argmax_s8_s16(const argmax_params *p, const int8_t *x, int16_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        y[row] = (int16_t)argmax_of_s8(x + row * p->classes, p->classes);
    }
}

static inline void argmax_s16_s8(const argmax_params *p, const int16_t *x, int8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        y[row] = (int8_t)argmax_of_s16(x + row * p->classes, p->classes);
    }
}

static inline void argmax_s16_u8(const argmax_params *p, const int16_t *x, uint8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        y[row] = (uint8_t)argmax_of_s16(x + row * p->classes, p->classes);
    }
}

static inline void argmax_s16(const argmax_params *p, const int16_t *x, int16_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        y[row] = (int16_t)argmax_of_s16(x + row * p->classes, p->classes);
    }
}

static inline void argmax_s32_s8(const argmax_params *p, const int32_t *x, int8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        y[row] = (int8_t)argmax_of_s32(x + row * p->classes, p->classes);
    }
}

static inline void argmax_s32_u8(const argmax_params *p, const int32_t *x, uint8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        y[row] = (uint8_t)argmax_of_s32(x + row * p->classes, p->classes);
    }
}

static inline void argmax_s32_s16(const argmax_params *p, const int32_t *x, int16_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        y[row] = (int16_t)argmax_of_s32(x + row * p->classes, p->classes);
    }
}

static inline void argmax_s64_s8(const argmax_params *p, const int64_t *x, int8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        y[row] = (int8_t)argmax_of_s64(x + row * p->classes, p->classes);
    }
}

static inline void argmax_s64_u8(const argmax_params *p, const int64_t *x, uint8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        y[row] = (uint8_t)argmax_of_s64(x + row * p->classes, p->classes);
    }
}

static inline void argmax_s64_s16(const argmax_params *p, const int64_t *x, int16_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        y[row] = (int16_t)argmax_of_s64(x + row * p->classes, p->classes);
    }
}

#endif
