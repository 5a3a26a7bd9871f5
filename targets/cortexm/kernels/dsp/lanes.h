/* Four codes of a word at a time: what poolings and means share. */
#ifndef TAPEOUT_LANES_H
#define TAPEOUT_LANES_H

#include "dsp.h"
#include <string.h>

/* Sums of four codes as halves of 16 bits, those of codes 0 and 2 in `even`: of up to 256 words, so that none overflows. */
typedef struct {
    uint32_t even, odd;
} lanes;

/* The four codes at x, which may lie anywhere. */
static inline uint32_t lanes_load(const int8_t *x)
{
    uint32_t word;
    memcpy(&word, x, 4);
    return word;
}

static inline void lanes_add(lanes *sums, uint32_t codes)
{
    sums->even = sxtab16(sums->even, codes);
    sums->odd = sxtab16_ror8(sums->odd, codes);
}

static inline int32_t low_half(uint32_t x)
{
    return (int16_t)x;
}

static inline int32_t high_half(uint32_t x)
{
    return (int32_t)x >> 16;
}

/* The larger code in each place, and the smaller one. */
static inline uint32_t lanes_max(uint32_t a, uint32_t b)
{
    uint32_t result;
    __asm("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(result) : "r"(a), "r"(b));
    return result;
}

static inline uint32_t lanes_min(uint32_t a, uint32_t b)
{
    uint32_t result;
    __asm("ssub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(result) : "r"(a), "r"(b));
    return result;
}

/* A code in all four places. */
static inline uint32_t lanes_of(int32_t code)
{
    return (uint32_t)(uint8_t)code * 0x01010101u;
}

#endif
