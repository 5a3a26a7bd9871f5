/* Channels of NHWC tensors by fours, as one word. */
#ifndef TAPEOUT_FOUR_CODES_H
#define TAPEOUT_FOUR_CODES_H

#include <stdint.h>
#include <string.h>

/* Four channels of a pixel of `channels`; where there are fewer, zeros follow. */
static inline uint32_t four_codes(const int8_t *x, int32_t channels)
{
    uint32_t word = 0;
    if (channels >= 4) {
        memcpy(&word, x, 4);
        return word;
    }
    for (int32_t c = 0; c < channels; c++) {
        word |= (uint32_t)(uint8_t)x[c] << 8 * c;
    }
    return word;
}

/* The first channel of the group with channel `done`, a multiple of four: the last group begins earlier, so that it reads no byte beyond. */
static inline int32_t first_of_four(int32_t channels, int32_t done)
{
    return done + 4 <= channels || channels < 4 ? done : channels - 4;
}

#endif
