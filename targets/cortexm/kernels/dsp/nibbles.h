/* Weights of 4 bits, 8 too large so that they have no sign, from a word to pairs of half-words. The twin is nibbles.py. */
#ifndef TAPEOUT_NIBBLES_H
#define TAPEOUT_NIBBLES_H

#include "dsp.h"

/* Nibble `k` of both halves of a word as signed half-words, or twice these. */
static inline uint32_t nibble_pair(uint32_t word, int32_t k, int32_t doubled)
{
    return ssub16(((word >> 4 * k) & 0x000f000fu) << doubled, 0x00080008u << doubled);
}

#endif
