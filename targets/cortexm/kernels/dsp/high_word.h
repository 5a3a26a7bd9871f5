/* Requantization by the high word of a product, and the instructions of the DSP extension that C has no name for.
 * Why it is exact: targets/cortexm/high_word.py. */
#ifndef TAPEOUT_HIGH_WORD_H
#define TAPEOUT_HIGH_WORD_H

#include <stdint.h>

/* Of a channel: where its sums begin, and what turns them into codes. */
typedef struct {
    int32_t bias, mul, add, shift;
} high_word;

/* c + a * b / 2^32, rounded down */
static inline int32_t smmla(int32_t a, int32_t b, int32_t c)
{
    int32_t result;
    __asm("smmla %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
}

/* c + a * b / 2^32, rounded half up */
static inline int32_t smmlar(int32_t a, int32_t b, int32_t c)
{
    int32_t result;
    __asm("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
}

/* The nearest of -128 to 127; the compiler's own __ssat converts signs, which -Wconversion tells. */
static inline int32_t saturate_code(int32_t code)
{
    int32_t result;
    __asm("ssat %0, #8, %1" : "=r"(result) : "r"(code));
    return result;
}

/* The code of a sum, or of a doubled one, between -128 and 127. */
static inline int32_t high_word_code(const high_word *p, int32_t doubled, int32_t sum)
{
    const int32_t scaled = doubled ? smmlar(sum, p->mul, p->add) + (sum >> 31) : smmla(sum, p->mul, p->add);
    return saturate_code(scaled >> p->shift);
}

/* Clips a code that lies in -128 .. 127; the compiler drops what can do nothing. */
static inline int32_t clip_code(int32_t code, int32_t lo, int32_t hi)
{
    code = lo > -128 && code < lo ? lo : code;
    return hi < 127 && code > hi ? hi : code;
}

#endif
