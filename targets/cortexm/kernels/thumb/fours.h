/* Four sums by four multiplications, with weights of bytes. A word holds the weights of four outputs in two halves of w0 + 256 * w1. One
 * product is by a half, one by its low byte: their difference is 256 times that of w1, so that a byte less has to be taken apart. Layout and
 * bounds: fours.py. */
#ifndef TAPEOUT_FOURS_H
#define TAPEOUT_FOURS_H

#include "word_sums.h"

enum { FOURS_BLOCK = 80 }; /* bytes of code of a block */

#define FOURS_BY(x)                                                                                \
    "ldm r1!, {r2}\n\tsxtb r3, r2\n\tsxth r4, r2\n\t" SUMS_ADD("r8", "r3", x) SUMS_ADD("r9", "r4", x) \
    "asrs r2, r2, #16\n\tsxtb r3, r2\n\t" SUMS_ADD("r10", "r3", x) SUMS_ADD("r11", "r2", x)

#define FOURS_CLEAR "movs r2, #0\n\tmov r8, r2\n\tmov r9, r2\n\tmov r10, r2\n\tmov r11, r2\n\t"

/* The four sums, to r0. */
#define FOURS_APART(put)                                                                           \
    "mov r4, r8\n\tmov r5, r9\n\tsubs r5, r5, r4\n\tasrs r5, r5, #8\n\t"                           \
    "mov r6, r10\n\tmov r7, r11\n\tsubs r7, r7, r6\n\tasrs r7, r7, #8\n\tstm r0!, {r4, r5, r6, r7}\n\t"

SUMS_FUNCTION(fours_straight, "4", FOURS_BLOCK, FOURS_CLEAR, FOURS_BY, FOURS_APART, , , , SPLIT_SLOPE_STRAIGHT)
SUMS_FUNCTION(fours_bent, "4", FOURS_BLOCK, FOURS_CLEAR, FOURS_BY, FOURS_APART, , , , SPLIT_SLOPE_BENT)

/* All outputs of the inputs at x. */
static inline void fours_straight_outputs(const sums_params *p, const int32_t *x, const uint32_t *stream, int8_t *y)
{
    fours_straight(p, x, stream, y, y + p->outputs);
}

static inline void fours_bent_outputs(const sums_params *p, const int32_t *x, const uint32_t *stream, int8_t *y)
{
    fours_bent(p, x, stream, y, y + p->outputs);
}

#endif
