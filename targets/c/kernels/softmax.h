/* softmax over the last axis.
 * Portable. softmax_s8 keeps the exponentials of one row in scratch memory. The definition is compiler/ops/softmax.py. */
#ifndef TAPEOUT_SOFTMAX_H
#define TAPEOUT_SOFTMAX_H

#include "f16.h"
#include "fixed.h"
#include <math.h>

typedef struct {
    int32_t rows, columns;
    int32_t mul, left;  /* an input d codes below the largest has the exponent d * 2^left * mul / 2^31 in units of 2^-26 */
    int32_t least;      /* for smaller d the exponential counts as zero */
} softmax_s8_params;

/* e^a, a <= 0 in units of 2^-26, in units of 2^-31 */
static inline int32_t exp_of_negative(int32_t a)
{
    static const int32_t powers[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    const int32_t quarter = (int32_t)1 << 24;
    const int32_t low = (a & (quarter - 1)) - quarter;
    const int32_t x = low * 32 + ((int32_t)1 << 28);
    const int32_t x2 = doubling_high_multiply(x, x);
    const int32_t x3 = doubling_high_multiply(x2, x);
    const int32_t x4 = doubling_high_multiply(x2, x2);
    const int32_t tail = doubling_high_multiply(shift_right_half_away(x4, 2) + x3, 715827883) + x2;
    int32_t y = 1895147668 + doubling_high_multiply(x + shift_right_half_away(tail, 1), 1895147668);
    if (a == 0) {
        return INT32_MAX;
    }
    for (int32_t bit = 0; bit < 7; bit++) {
        if (((low - a) >> 24 >> bit) & 1) {
            y = doubling_high_multiply(y, powers[bit]);
        }
    }
    return y;
}

static inline int32_t saturate(int64_t x)
{
    return x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : (int32_t)x;
}

/* 1 / (1 + x), 0 <= x < 1, both in units of 2^-31 */
static inline int32_t reciprocal(int32_t x)
{
    const int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) >> 1);
    int32_t y = 1515870810 + doubling_high_multiply(half, -1010580540);
    for (int32_t step = 0; step < 3; step++) {
        const int32_t error = ((int32_t)1 << 29) - doubling_high_multiply(half, y);
        y += saturate((int64_t)doubling_high_multiply(y, error) * 4);
    }
    return saturate((int64_t)y * 2);
}

/* x and y rows x columns, scratch columns words */
static inline void softmax_s8(const softmax_s8_params *p, const int8_t *x, int8_t *y, void *scratch)
{
    int32_t *e = (int32_t *)scratch;
    for (int32_t row = 0; row < p->rows; row++) {
        int32_t largest = INT8_MIN;
        for (int32_t i = 0; i < p->columns; i++) {
            largest = x[i] > largest ? x[i] : largest;
        }
        uint32_t sum = 0;
        for (int32_t i = 0; i < p->columns; i++) {
            const int32_t below = x[i] - largest;
            e[i] = 0;
            if (below >= p->least) {
                e[i] = exp_of_negative(doubling_high_multiply((int32_t)((int64_t)below * ((int64_t)1 << p->left)), p->mul));
            }
            sum += (uint32_t)shift_right_half_away(e[i], 12);
        }
        int32_t headroom = 0;
        while (!(sum << headroom >> 31)) {
            headroom++;
        }
        const int32_t inverse = reciprocal((int32_t)((sum << headroom) - ((uint32_t)1 << 31)));
        for (int32_t i = 0; i < p->columns; i++) {
            const int64_t code = shift_right(doubling_high_multiply(inverse, e[i]), 35 - headroom, ROUND_HALF_AWAY) - 128;
            y[i] = (int8_t)clamp((int32_t)code, -128, 127);
        }
        x += p->columns;
        y += p->columns;
    }
}

typedef struct {
    int32_t rows, columns;
} softmax_f32_params;

/* Shapes as above. The sum runs from +0 over the columns. Exponentials are computed twice, as y may hold fewer bits. */
static inline void softmax_floats(const softmax_f32_params *p, float_format format, const void *x, void *y)
{
    for (int32_t first = 0; first < p->rows * p->columns; first += p->columns) {
        float largest = -INFINITY;
        for (int32_t i = first; i < first + p->columns; i++) {
            const float element = load_float(x, i, format);
            largest = element > largest ? element : largest;
        }
        float sum = 0.0f;
        for (int32_t i = first; i < first + p->columns; i++) {
            sum += exp_scalar(load_float(x, i, format) - largest);
        }
        for (int32_t i = first; i < first + p->columns; i++) {
            store_float(y, i, format, exp_scalar(load_float(x, i, format) - largest) / sum);
        }
    }
}

typedef softmax_f32_params softmax_f16_params;
typedef softmax_f32_params softmax_bf16_params;

static inline void softmax_f32(const softmax_f32_params *p, const float *x, float *y)
{
    softmax_floats(p, FORMAT_F32, x, y);
}

static inline void softmax_f16(const softmax_f16_params *p, const uint16_t *x, uint16_t *y)
{
    softmax_floats(p, FORMAT_F16, x, y);
}

static inline void softmax_bf16(const softmax_bf16_params *p, const uint16_t *x, uint16_t *y)
{
    softmax_floats(p, FORMAT_BF16, x, y);
}

#endif
