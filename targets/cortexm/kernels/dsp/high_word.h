/* Requantization by the high word of a product. Why it is exact: targets/high_word.py. */
#ifndef TAPEOUT_HIGH_WORD_H
#define TAPEOUT_HIGH_WORD_H

#include "dsp.h"

/* Of a channel: where its sums begin, and what turns them into codes. */
typedef struct {
    int32_t bias, mul, add, shift;
} high_word;

/* The code of a sum, or of a doubled one, between -128 and 127. */
static inline int32_t high_word_code(const high_word *p, int32_t doubled, int32_t sum)
{
    const int32_t scaled = doubled ? smmlar(sum, p->mul, p->add) + (sum >> 31) : smmla(sum, p->mul, p->add);
    return ssat8(scaled >> p->shift);
}

/* The code of a sum, between -32768 and 32767 and clipped to lo .. hi. */
static inline int32_t high_word_code_16(const high_word *p, int32_t sum, int32_t lo, int32_t hi)
{
    int32_t code = ssat16(smmla(sum, p->mul, p->add) >> p->shift);
    code = lo > -32768 && code < lo ? lo : code;
    return hi < 32767 && code > hi ? hi : code;
}

/* Clips a code that lies in -128 .. 127; the compiler drops what can do nothing. */
static inline int32_t clip_code(int32_t code, int32_t lo, int32_t hi)
{
    code = lo > -128 && code < lo ? lo : code;
    return hi < 127 && code > hi ? hi : code;
}

#endif
