/* Inputs of a dense layer in the order in which SXTB16 makes pairs of them. */
#ifndef TAPEOUT_DENSE_WIDEN_H
#define TAPEOUT_DENSE_WIDEN_H

#include "dsp.h"
#include <string.h>

/* Widens `count` codes to half-words in the order 0 2 1 3 of each four, and zeros up to a whole block of eight; returns their end. */
static __attribute__((noinline, unused)) int8_t *dense_widen(const int8_t *x, int32_t count, uint32_t *words)
{
    const int32_t rest = count % 4;
    for (const int8_t *end = x + count - rest; x < end; x += 4, words += 2) {
        uint32_t four;
        memcpy(&four, x, 4);
        words[0] = sxtb16(four);
        words[1] = sxtb16_ror8(four);
    }
    int16_t *next = (int16_t *)(void *)words;
    for (int32_t i = 0; (count - rest + i) % 8 || i < rest; i++) {
        const int32_t place = i % 4;
        next[place == 1 ? 2 : place == 2 ? 1 : place] = i < rest ? x[i] : 0;
        next += place == 3 ? 4 : 0;
    }
    return (int8_t *)next;
}

#endif
