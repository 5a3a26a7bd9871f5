/* Three sums by two multiplications that give 32 bits of two words. The weights of three outputs make the words a = w0 + w1 * 2^21 and
 * b = w2 + w1 * 2^10. Sums of the products of inputs with a and with b, modulo 2^32, hold three sums s0, s1, s2 of 21 bits: the low 21 bits
 * of the first are s0, above them are the low 11 bits of s1; without these the second is s2, and above it the rest of s1. Nine outputs
 * are computed together, or three. Where sums could leave 21 bits, the inputs are taken in parts, whose sums are added. Layout and
 * bounds: triples.py. */
#ifndef TAPEOUT_TRIPLES_H
#define TAPEOUT_TRIPLES_H

#include "word_sums.h"

enum { TRIPLES_NINE = 86, TRIPLES_THREE = 32 }; /* bytes of code of a block, of nine outputs and of three */

#define TRIPLES_NINE_BY(x)                                                                         \
    "ldm r1!, {r2, r3, r4}\n\t" SUMS_ADD("r8", "r2", x) SUMS_ADD("r9", "r3", x) SUMS_ADD("r10", "r4", x) \
    "ldm r1!, {r2, r3, r4}\n\t" SUMS_ADD("r11", "r2", x) SUMS_ADD("r12", "r3", x) SUMS_ADD("lr", "r4", x)
#define TRIPLES_THREE_BY(x) "ldm r1!, {r2, r3}\n\t" SUMS_ADD("r8", "r2", x) SUMS_ADD("r9", "r3", x)

#define TRIPLES_CLEAR_THREE "movs r2, #0\n\tmov r8, r2\n\tmov r9, r2\n\t"
#define TRIPLES_CLEAR_NINE TRIPLES_CLEAR_THREE "mov r10, r2\n\tmov r11, r2\n\tmov r12, r2\n\tmov lr, r2\n\t"

/* The three sums of a and b, to r0. */
#define TRIPLES_APART(a, b, put)                                                                   \
    "mov r2, " a "\n\t"                                                                            \
    "mov r3, " b "\n\t"                                                                            \
    "lsls r4, r2, #11\n\t"                                                                         \
    "asrs r4, r4, #11\n\t" /* s0 */                                                                \
    "subs r2, r2, r4\n\t"                                                                          \
    "lsrs r5, r2, #11\n\t"                                                                         \
    "subs r3, r3, r5\n\t" /* without the low bits of s1 */                                         \
    "lsls r6, r3, #11\n\t"                                                                         \
    "asrs r6, r6, #11\n\t" /* s2 */                                                                \
    "subs r3, r3, r6\n\t"                                                                          \
    "asrs r5, r3, #10\n\t"                                                                         \
    "lsrs r2, r2, #21\n\t"                                                                         \
    "orrs r5, r5, r2\n\t" /* s1 */ put
#define TRIPLES_PUT "stm r0!, {r4, r5, r6}\n\t"
#define TRIPLES_PUT_SUM                                                                            \
    "ldm r0!, {r2, r3, r7}\n\tadds r4, r4, r2\n\tadds r5, r5, r3\n\tadds r6, r6, r7\n\t"              \
    "subs r0, #12\n\t" TRIPLES_PUT
#define TRIPLES_THREE_APART(put) TRIPLES_APART("r8", "r9", put)
#define TRIPLES_NINE_APART(put) TRIPLES_THREE_APART(put) TRIPLES_APART("r10", "r11", put) TRIPLES_APART("r12", "lr", put)

/* What surrounds the loop over inputs: nothing where all of them are one part. */
#define TRIPLES_WHOLE_BEGIN
#define TRIPLES_WHOLE_END
#define TRIPLES_PARTS_BEGIN                                                                        \
    "ldr r0, %[sums]\n\tmovs r2, #0\n\tmovs r3, #0\n\tmovs r4, #0\n\t"                                \
    "stm r0!, {r2, r3, r4}\n\tstm r0!, {r2, r3, r4}\n\tstm r0!, {r2, r3, r4}\n\tldr r0, %[x]\n"       \
    "7:\n\t"                                                                                       \
    "str r0, %[at]\n\tldr r2, %[part]\n\tadds r2, r2, r0\n\tldr r3, %[x_end]\n\tcmp r2, r3\n\t"    \
    "bls 9f\n\tmov r2, r3\n"                                                                       \
    "9:\n\tstr r2, %[end]\n\t"
#define TRIPLES_PARTS_END                                                                          \
    "ldr r0, %[end]\n\tldr r2, %[x_end]\n\tcmp r0, r2\n\tbeq 6f\n\tb 7b\n"                            \
    "6:\n\t"

#define TRIPLES_FUNCTIONS(name, begin, finish, put, add)                                                                          \
    SUMS_FUNCTION(name##_nine, "9", TRIPLES_NINE, TRIPLES_CLEAR_NINE, TRIPLES_NINE_BY, TRIPLES_NINE_APART, begin, finish, put, add) \
    SUMS_FUNCTION(name##_three, "3", TRIPLES_THREE, TRIPLES_CLEAR_THREE, TRIPLES_THREE_BY, TRIPLES_THREE_APART, begin, finish, put, add)
TRIPLES_FUNCTIONS(triples_whole, TRIPLES_WHOLE_BEGIN, TRIPLES_WHOLE_END, TRIPLES_PUT, SPLIT_SLOPE_STRAIGHT)
TRIPLES_FUNCTIONS(triples_whole_bent, TRIPLES_WHOLE_BEGIN, TRIPLES_WHOLE_END, TRIPLES_PUT, SPLIT_SLOPE_BENT)
TRIPLES_FUNCTIONS(triples_parts, TRIPLES_PARTS_BEGIN, TRIPLES_PARTS_END, TRIPLES_PUT_SUM, SPLIT_SLOPE_STRAIGHT)
TRIPLES_FUNCTIONS(triples_parts_bent, TRIPLES_PARTS_BEGIN, TRIPLES_PARTS_END, TRIPLES_PUT_SUM, SPLIT_SLOPE_BENT)

/* All outputs of the inputs at x. */
#define TRIPLES_OUTPUTS(way)                                                                                                    \
    static inline void triples_##way##_outputs(const sums_params *p, const int32_t *x, const uint32_t *stream, int8_t *y)       \
    {                                                                                                                           \
        int8_t *const nines_end = y + p->nines, *const y_end = y + p->outputs;                                                  \
        if (p->nines) {                                                                                                         \
            stream = triples_##way##_nine(p, x, stream, y, nines_end);                                                          \
        }                                                                                                                       \
        if (nines_end < y_end) {                                                                                                \
            triples_##way##_three(p, x, stream, nines_end, y_end);                                                              \
        }                                                                                                                       \
    }
TRIPLES_OUTPUTS(whole)
TRIPLES_OUTPUTS(whole_bent)
TRIPLES_OUTPUTS(parts)
TRIPLES_OUTPUTS(parts_bent)

/* The one of four functions whose names end in the way in which a layer's sums are taken; those that no layer takes are dropped. */
#define TRIPLES_CHOICE(p, name)                                                                                                 \
    ((p)->part < (p)->words ? ((p)->bent ? name##_parts_bent : name##_parts) : ((p)->bent ? name##_whole_bent : name##_whole))

#endif
