/* Requantization by products of 32 bits. What the numbers are, and why it is exact: targets/split_slope.py. */
#ifndef TAPEOUT_SPLIT_SLOPE_H
#define TAPEOUT_SPLIT_SLOPE_H

/* Assembly: r3 is a sum, r1 points to its numbers and passes over them; r2 points to where the code goes. r4 to r7 are used. */
#define SPLIT_SLOPE_CODE(add)                                                                      \
    "ldm r1!, {r4, r5, r6}\n\t" /* least, most, whole */                                           \
    "subs r3, r3, r4\n\t"                                                                          \
    "asrs r4, r3, #31\n\t"                                                                         \
    "bics r3, r3, r4\n\t"                                                                          \
    "cmp r3, r5\n\t"                                                                               \
    "bls 8f\n\t"                                                                                   \
    "mov r3, r5\n\t"                                                                               \
    "8:\n\t"                                                                                       \
    "lsrs r4, r3, #4\n\t"                                                                          \
    "ldm r1!, {r5, r7}\n\t" /* fraction, and add or bend */                                        \
    "muls r4, r5, r4\n\t"                                                                          \
    "lsrs r4, r4, #12\n\t" add /* in r7 */                                                         \
    "muls r3, r6, r3\n\t"                                                                          \
    "adds r3, r3, r4\n\t"                                                                          \
    "adds r3, r3, r7\n\t"                                                                          \
    "lsrs r3, r3, #24\n\t"                                                                         \
    "strb r3, [r2]\n\t"

#define SPLIT_SLOPE_STRAIGHT ""
#define SPLIT_SLOPE_BENT                                                                           \
    "cmp r3, r7\n\t"                                                                               \
    "ldr r7, [r1]\n\t"                                                                             \
    "blo 9f\n\t"                                                                                   \
    "ldr r7, [r1, #4]\n\t"                                                                         \
    "9:\n\t"                                                                                       \
    "adds r1, #8\n\t"

enum { SPLIT_SLOPE_WORDS = 5, SPLIT_SLOPE_BENT_WORDS = 7 }; /* of a channel's numbers */

#endif
