/* What add_linear and sub_linear share: sums of two tensors of one shape as a linear function of both codes, without tables.
 * Why it is exact: targets/sum_linear.py. The definition is compiler/elementwise.py. */
#ifndef TAPEOUT_SUM_LINEAR_H
#define TAPEOUT_SUM_LINEAR_H

#include "high_word.h"
#include <string.h>

typedef struct {
    int32_t size;
    int32_t x_mul, y_mul, add, shift; /* the code is ((x * x_mul >> 8) + (y * y_mul >> 8) + add) >> shift */
    int32_t lo, hi;
} sum_linear_params;

/* The code of a sum. */
static inline uint32_t sum_linear_code(const sum_linear_params *p, int32_t sum) __attribute__((always_inline));
static inline uint32_t sum_linear_code(const sum_linear_params *p, int32_t sum)
{
    int32_t code;
    __asm("ssat %0, #8, %1, asr %2" : "=r"(code) : "r"(sum), "i"(p->shift));
    return (uint32_t)clip_code(code, p->lo, p->hi);
}

/* The codes of four pairs: 256 * the odd codes are halves as they are, the even ones after a shift. */
static inline uint32_t sum_linear_four(const sum_linear_params *p, uint32_t high_bytes, uint32_t x, uint32_t y) __attribute__((always_inline));
static inline uint32_t sum_linear_four(const sum_linear_params *p, uint32_t high_bytes, uint32_t x, uint32_t y)
{
    const uint32_t x_even = x << 8 & high_bytes, x_odd = x & high_bytes;
    const uint32_t y_even = y << 8 & high_bytes, y_odd = y & high_bytes;
    uint32_t codes = sum_linear_code(p, smlawb(p->y_mul, y_even, smlawb(p->x_mul, x_even, p->add)));
    const uint32_t second = sum_linear_code(p, smlawb(p->y_mul, y_odd, smlawb(p->x_mul, x_odd, p->add)));
    const uint32_t third = sum_linear_code(p, smlawt(p->y_mul, y_even, smlawt(p->x_mul, x_even, p->add)));
    const uint32_t fourth = sum_linear_code(p, smlawt(p->y_mul, y_odd, smlawt(p->x_mul, x_odd, p->add)));
    __asm("bfi %0, %1, #8, #8\n\tbfi %0, %2, #16, #8\n\tbfi %0, %3, #24, #8" : "+r"(codes) : "r"(second), "r"(third), "r"(fourth));
    return codes;
}

/* x, y and out `size` codes; out may be x or y */
static inline void sum_linear(const sum_linear_params *p, const int8_t *x, const int8_t *y, int8_t *out) __attribute__((always_inline));
static inline void sum_linear(const sum_linear_params *p, const int8_t *x, const int8_t *y, int8_t *out)
{
    uint32_t high_bytes = 0xff00ff00u;
    __asm("" : "+r"(high_bytes)); /* so that it stays in a register, and the shift is a part of the instruction that masks */
    for (const int8_t *end = x + p->size / 4 * 4; x < end; x += 4, y += 4, out += 4) {
        uint32_t a, b;
        memcpy(&a, x, 4);
        memcpy(&b, y, 4);
        a = sum_linear_four(p, high_bytes, a, b);
        memcpy(out, &a, 4);
    }
    for (int32_t i = 0; i < p->size % 4; i++) {
        out[i] = (int8_t)sum_linear_four(p, high_bytes, (uint32_t)x[i], (uint32_t)y[i]);
    }
}

#endif
