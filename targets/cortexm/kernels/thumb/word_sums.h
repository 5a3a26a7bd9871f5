/* Sums of products of inputs and weights for cores without the DSP extension, and their codes: what layers share. Inputs lie in scratch
 * memory as words, in blocks of three. A stream has, for some outputs together, the words of weights by inputs, then the numbers by which
 * each sum becomes a code, see split_slope.h. How words of weights give the sums of several outputs: triples.h, fours.h. */
#ifndef TAPEOUT_WORD_SUMS_H
#define TAPEOUT_WORD_SUMS_H

#include "split_slope.h"
#include <stdint.h>

enum {
    SUMS_INPUTS = 3,   /* words of input that a block takes */
    SUMS_UNROLLED = 2, /* blocks written out in a loop, which is entered at the second where their number is odd */
    SUMS_TOGETHER = 9  /* outputs at most */
};

/* A layer's sums. */
typedef struct {
    int32_t inputs, outputs;
    int32_t nines; /* outputs that are computed nine at a time; the others by three */
    int32_t words; /* of inputs, with zeros behind them */
    int32_t part;  /* of these, that are summed together */
    int32_t odd;   /* whether blocks are an odd number, of inputs that are one part */
    int32_t bent;  /* whether lines are */
} sums_params;

/* Adds w * x to sum, which may be a high register; w is lost. */
#if __ARM_ARCH_ISA_THUMB >= 2
#define SUMS_ADD(sum, w, x) "mla " sum ", " w ", " x ", " sum "\n\t"
#else
#define SUMS_ADD(sum, w, x) "muls " w ", " x ", " w "\n\tadd " sum ", " w "\n\t"
#endif

#define SUMS_LOAD "ldm r0!, {r5, r6, r7}\n\t"

/* The codes y to y_end, `outputs` at a time; returns the end of the stream. `at` and `end` are those of the part of x that is at work. */
#define SUMS_FUNCTION(name, outputs, block, clear, by, apart, begin, finish, put, add)                                          \
    static __attribute__((noinline, unused)) const uint32_t *name(const sums_params *p, const int32_t *x, const uint32_t *stream,\
                                                                  int8_t *y, const int8_t *y_end)                               \
    {                                                                                                                           \
        int32_t space[SUMS_TOGETHER];                                                                                           \
        int32_t *const sums = space;                                                                                            \
        const int32_t *const x_end = x + p->words, *at = x, *end = x_end;                                                       \
        const int32_t part = 4 * p->part;                                                                                       \
        const int32_t skip = p->odd ? block : 0; /* bytes of code */                                                            \
        register const uint32_t *next __asm("r1") = stream;                                                                     \
        __asm volatile(".syntax unified\n"                                                                                      \
                       "1:\n\t" begin clear                                                                                     \
                       "ldr r0, %[at]\n\t"                                                                                      \
                       "ldr r2, %[skip]\n\t"                                                                                    \
                       "add pc, r2\n\t"                                                                                         \
                       "nop\n"                                                                                                  \
                       "2:\n\t"                                                                                                 \
                       ".rept %c[unrolled]\n\t" SUMS_LOAD by("r5") by("r6") by("r7")                                            \
                       ".endr\n\t"                                                                                              \
                       "ldr r2, %[end]\n\t"                                                                                     \
                       "cmp r0, r2\n\t"                                                                                         \
                       "bne 2b\n\t"                                                                                             \
                       "ldr r0, %[sums]\n\t" apart(put) finish                                                                  \
                       "ldr r0, %[sums]\n\t"                                                                                    \
                       "ldr r2, %[y]\n\t"                                                                                       \
                       "ldr r3, %[y_end]\n\t"                                                                                   \
                       "mov r4, r2\n\t"                                                                                         \
                       "adds r4, #" outputs "\n\t"                                                                              \
                       "cmp r4, r3\n\t"                                                                                         \
                       "bhi 3f\n\t"                                                                                             \
                       "mov r3, r4\n"                                                                                           \
                       "3:\n\t"                                                                                                 \
                       "mov r8, r3\n"                                                                                           \
                       "4:\n\t"                                                                                                 \
                       "ldm r0!, {r3}\n\t" SPLIT_SLOPE_CODE(add)                                                                \
                       "adds r2, #1\n\t"                                                                                        \
                       "cmp r2, r8\n\t"                                                                                         \
                       "bne 4b\n\t"                                                                                             \
                       "str r2, %[y]\n\t"                                                                                       \
                       "ldr r3, %[y_end]\n\t"                                                                                   \
                       "cmp r2, r3\n\t"                                                                                         \
                       "beq 5f\n\t"                                                                                             \
                       "b 1b\n"                                                                                                 \
                       "5:\n"                                                                                                   \
                       : "+r"(next), [y] "+m"(y), [at] "+m"(at), [end] "+m"(end)                                                \
                       : [x] "m"(x), [x_end] "m"(x_end), [part] "m"(part), [skip] "m"(skip), [sums] "m"(sums), [y_end] "m"(y_end),\
                         [unrolled] "i"(SUMS_UNROLLED)                                                                          \
                       : "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");      \
        return next;                                                                                                            \
    }

/* Widens `count` codes to words; returns their end. */
static inline int32_t *sums_widen(const int8_t *x, int32_t count, int32_t *to)
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

static inline int32_t *sums_fill(int32_t code, int32_t count, int32_t *to)
{
    for (int32_t *end = to + count; to < end; to++) {
        *to = code;
    }
    return to;
}

/* Zeros behind inputs, in all of scratch memory. */
static inline void sums_clear(const sums_params *p, int32_t *inputs)
{
    const int32_t loop = SUMS_INPUTS * SUMS_UNROLLED;
    sums_fill(0, (p->inputs + loop - 1) / loop * loop - p->inputs, inputs + p->inputs);
}

#endif
