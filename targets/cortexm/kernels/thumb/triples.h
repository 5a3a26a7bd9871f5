/* Sums of products for cores whose multiplication gives 32 bits of two words: three sums by two multiplications, and their codes.
 * The weights of three outputs make two words, a = w0 + w1 * 2^21 and b = w2 + w1 * 2^10. Sums of the products of inputs with a and with b,
 * modulo 2^32, hold three sums s0, s1, s2 of 21 bits: the low 21 bits of the first are s0, above them are the low 11 bits of s1; without these
 * the second is s2 and above it the rest of s1. Inputs lie in scratch memory as words. A stream has, for up to nine or three outputs, the
 * words by inputs, then the numbers by which each sum becomes a code, see split_slope.h. Where sums could leave 21 bits, the inputs are
 * taken in parts, whose sums are added. Layout and bounds: triples.py. */
#ifndef TAPEOUT_TRIPLES_H
#define TAPEOUT_TRIPLES_H

#include "split_slope.h"
#include <stdint.h>

enum {
    TRIPLES_INPUTS = 3,   /* words of input that a block takes */
    TRIPLES_UNROLLED = 2, /* blocks written out in a loop, which is entered at the second where their number is odd */
    TRIPLES_NINE = 86,    /* bytes of code of a block, of nine outputs and of three */
    TRIPLES_THREE = 32
};

/* A layer's sums. */
typedef struct {
    int32_t inputs, outputs;
    int32_t nines; /* outputs that are computed nine at a time; the others by three */
    int32_t words; /* of inputs, with zeros behind them */
    int32_t part;  /* of these, that are summed together */
    int32_t odd;   /* whether blocks are an odd number, of inputs that are one part */
    int32_t bent;  /* whether lines are */
} triples_params;

/* Adds w * x to sum, which may be a high register; w is lost. */
#if __ARM_ARCH_ISA_THUMB >= 2
#define TRIPLES_ADD(sum, w, x) "mla " sum ", " w ", " x ", " sum "\n\t"
#else
#define TRIPLES_ADD(sum, w, x) "muls " w ", " x ", " w "\n\tadd " sum ", " w "\n\t"
#endif

#define TRIPLES_LOAD "ldm r0!, {r5, r6, r7}\n\t"
#define TRIPLES_NINE_BY(x)                                                                         \
    "ldm r1!, {r2, r3, r4}\n\t" TRIPLES_ADD("r8", "r2", x) TRIPLES_ADD("r9", "r3", x) TRIPLES_ADD("r10", "r4", x) \
    "ldm r1!, {r2, r3, r4}\n\t" TRIPLES_ADD("r11", "r2", x) TRIPLES_ADD("r12", "r3", x) TRIPLES_ADD("lr", "r4", x)
#define TRIPLES_THREE_BY(x) "ldm r1!, {r2, r3}\n\t" TRIPLES_ADD("r8", "r2", x) TRIPLES_ADD("r9", "r3", x)

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

/* The codes y to y_end, `outputs` at a time; returns the end of the stream. `at` and `end` are those of the part of x that is at work. */
#define TRIPLES_FUNCTION(name, outputs, block, clear, by, apart, begin, finish, put, add)                                         \
    static __attribute__((noinline, unused)) const uint32_t *name(const triples_params *p, const int32_t *x, const uint32_t *stream,\
                                                                  int8_t *y, const int8_t *y_end)                                 \
    {                                                                                                                             \
        int32_t space[9];                                                                                                         \
        int32_t *const sums = space;                                                                                              \
        const int32_t *const x_end = x + p->words, *at = x, *end = x_end;                                                         \
        const int32_t part = 4 * p->part;                                                                                         \
        const int32_t skip = p->odd ? block : 0; /* bytes of code */                                                              \
        register const uint32_t *next __asm("r1") = stream;                                                                       \
        __asm volatile(".syntax unified\n"                                                                                        \
                       "1:\n\t" begin clear                                                                                       \
                       "ldr r0, %[at]\n\t"                                                                                        \
                       "ldr r2, %[skip]\n\t"                                                                                      \
                       "add pc, r2\n\t"                                                                                           \
                       "nop\n"                                                                                                    \
                       "2:\n\t"                                                                                                   \
                       ".rept %c[unrolled]\n\t" TRIPLES_LOAD by("r5") by("r6") by("r7")                                           \
                       ".endr\n\t"                                                                                                \
                       "ldr r2, %[end]\n\t"                                                                                       \
                       "cmp r0, r2\n\t"                                                                                           \
                       "bne 2b\n\t"                                                                                               \
                       "ldr r0, %[sums]\n\t" apart(put) finish                                                                    \
                       "ldr r0, %[sums]\n\t"                                                                                      \
                       "ldr r2, %[y]\n\t"                                                                                         \
                       "ldr r3, %[y_end]\n\t"                                                                                     \
                       "mov r4, r2\n\t"                                                                                          \
                       "adds r4, #" outputs "\n\t"                                                                               \
                       "cmp r4, r3\n\t"                                                                                           \
                       "bhi 3f\n\t"                                                                                               \
                       "mov r3, r4\n"                                                                                             \
                       "3:\n\t"                                                                                                   \
                       "mov r8, r3\n"                                                                                             \
                       "4:\n\t"                                                                                                   \
                       "ldm r0!, {r3}\n\t" SPLIT_SLOPE_CODE(add)                                                                  \
                       "adds r2, #1\n\t"                                                                                          \
                       "cmp r2, r8\n\t"                                                                                           \
                       "bne 4b\n\t"                                                                                               \
                       "str r2, %[y]\n\t"                                                                                         \
                       "ldr r3, %[y_end]\n\t"                                                                                     \
                       "cmp r2, r3\n\t"                                                                                           \
                       "beq 5f\n\t"                                                                                               \
                       "b 1b\n"                                                                                                   \
                       "5:\n"                                                                                                     \
                       : "+r"(next), [y] "+m"(y), [at] "+m"(at), [end] "+m"(end)                                                  \
                       : [x] "m"(x), [x_end] "m"(x_end), [part] "m"(part), [skip] "m"(skip), [sums] "m"(sums), [y_end] "m"(y_end), \
                         [unrolled] "i"(TRIPLES_UNROLLED)                                                                         \
                       : "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");        \
        return next;                                                                                                              \
    }

#define TRIPLES_FUNCTIONS(name, begin, finish, put, add)                                                                          \
    TRIPLES_FUNCTION(name##_nine, "9", TRIPLES_NINE, TRIPLES_CLEAR_NINE, TRIPLES_NINE_BY, TRIPLES_NINE_APART, begin, finish, put, add) \
    TRIPLES_FUNCTION(name##_three, "3", TRIPLES_THREE, TRIPLES_CLEAR_THREE, TRIPLES_THREE_BY, TRIPLES_THREE_APART, begin, finish, put, add)
TRIPLES_FUNCTIONS(triples_whole, TRIPLES_WHOLE_BEGIN, TRIPLES_WHOLE_END, TRIPLES_PUT, SPLIT_SLOPE_STRAIGHT)
TRIPLES_FUNCTIONS(triples_whole_bent, TRIPLES_WHOLE_BEGIN, TRIPLES_WHOLE_END, TRIPLES_PUT, SPLIT_SLOPE_BENT)
TRIPLES_FUNCTIONS(triples_parts, TRIPLES_PARTS_BEGIN, TRIPLES_PARTS_END, TRIPLES_PUT_SUM, SPLIT_SLOPE_STRAIGHT)
TRIPLES_FUNCTIONS(triples_parts_bent, TRIPLES_PARTS_BEGIN, TRIPLES_PARTS_END, TRIPLES_PUT_SUM, SPLIT_SLOPE_BENT)

/* A function of one layer in the four ways in which sums are taken; unused ones are dropped. */
#define TRIPLES_LAYERS(layer)                                                                       \
    layer(whole)                                                                                   \
    layer(whole_bent)                                                                              \
    layer(parts)                                                                                   \
    layer(parts_bent)

/* The one of them that a layer takes, for functions whose names end in the way. */
#define TRIPLES_CHOICE(p, name)                                                                     \
    ((p)->part < (p)->words ? ((p)->bent ? name##_parts_bent : name##_parts) : ((p)->bent ? name##_whole_bent : name##_whole))

/* All outputs of the inputs at x. */
#define TRIPLES_OUTPUTS(way, p, x, stream, y)                                                       \
    {                                                                                              \
        const uint32_t *next = (stream);                                                           \
        int8_t *const nines_end = (y) + (p)->nines, *const y_end = (y) + (p)->outputs;              \
        if ((p)->nines) {                                                                          \
            next = triples_##way##_nine(p, x, next, y, nines_end);                                 \
        }                                                                                          \
        if (nines_end < y_end) {                                                                   \
            triples_##way##_three(p, x, next, nines_end, y_end);                                   \
        }                                                                                          \
    }

/* Widens `count` codes to words; returns their end. */
static inline int32_t *triples_widen(const int8_t *x, int32_t count, int32_t *to)
{
    for (const int8_t *end = x + (count & ~3); x < end; x += 4, to += 4) {
        const int32_t a = x[0], b = x[1], c = x[2], d = x[3];
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
    }
    for (int32_t i = 0; i < (count & 3); i++) {
        *to++ = x[i];
    }
    return to;
}

static inline int32_t *triples_fill(int32_t code, int32_t count, int32_t *to)
{
    for (int32_t *end = to + count; to < end; to++) {
        *to = code;
    }
    return to;
}

/* Zeros behind inputs, in all of scratch memory. */
static inline void triples_clear(const triples_params *p, int32_t *inputs)
{
    const int32_t loop = TRIPLES_INPUTS * TRIPLES_UNROLLED;
    triples_fill(0, (p->inputs + loop - 1) / loop * loop - p->inputs, inputs + p->inputs);
}

#endif
