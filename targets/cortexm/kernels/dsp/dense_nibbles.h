/* dense_nibbles: fully connected layer by weights of 4 bits, four outputs at a time. Half of a word holds a weight of each of them, so that
 * a mask and a shift make the pair that SMLAD multiplies. Weights are 8 too large, which the sum of the inputs takes away.
 * The definition is compiler/ops/dense.py; dense_nibbles.py says what is packed. */
#ifndef TAPEOUT_DENSE_NIBBLES_H
#define TAPEOUT_DENSE_NIBBLES_H

#include "dense_widen.h"
#include "high_word.h"

typedef struct {
    int32_t rows, inputs, outputs;
    int32_t doubled, lo, hi;
} dense_packed_s8_nibbles_params;

/* Sums of four outputs. */
typedef struct {
    int32_t sum[4];
} dense_nibbles_sums;

/* Two inputs by a word of weights. */
#define DENSE_NIBBLES_PAIR(x, w)                                                                                                 \
    "and r8, %[mask], " w "\n\t"                                                                                                 \
    "smlad %[sum0], " x ", r8, %[sum0]\n\t"                                                                                      \
    "and r8, %[mask], " w ", lsr #4\n\t"                                                                                         \
    "smlad %[sum1], " x ", r8, %[sum1]\n\t"                                                                                      \
    "and r8, %[mask], " w ", lsr #8\n\t"                                                                                         \
    "smlad %[sum2], " x ", r8, %[sum2]\n\t"                                                                                      \
    "and r8, %[mask], " w ", lsr #12\n\t"                                                                                        \
    "smlad %[sum3], " x ", r8, %[sum3]\n\t"

/* Adds the products of the half-words x to x_end, whole blocks of eight, by weights 8 too large. */
static __attribute__((noinline)) dense_nibbles_sums dense_nibbles_products(const uint32_t *x, const uint32_t *x_end, const uint32_t *w)
{
    dense_nibbles_sums of = {{0, 0, 0, 0}};
    __asm volatile("1:\n\t"
                   "ldm %[x]!, {r6, r7}\n\t"
                   "ldm %[w]!, {r9, r10}\n\t" DENSE_NIBBLES_PAIR("r6", "r9") DENSE_NIBBLES_PAIR("r7", "r10")
                   "ldm %[x]!, {r6, r7}\n\t"
                   "ldm %[w]!, {r9, r10}\n\t" DENSE_NIBBLES_PAIR("r6", "r9") DENSE_NIBBLES_PAIR("r7", "r10")
                   "cmp %[x], %[end]\n\t"
                   "bne 1b\n\t"
                   : [x] "+r"(x), [w] "+r"(w), [sum0] "+r"(of.sum[0]), [sum1] "+r"(of.sum[1]), [sum2] "+r"(of.sum[2]), [sum3] "+r"(of.sum[3])
                   : [end] "r"(x_end), [mask] "r"(0x000f000fu)
                   : "r6", "r7", "r8", "r9", "r10", "cc", "memory");
    return of;
}

/* 8 times the sum of the half-words x to x_end. */
static inline int32_t dense_nibbles_excess(const uint32_t *x, const uint32_t *x_end)
{
    int32_t sum = 0;
    while (x < x_end) {
        sum = smlad(*x++, 0x00080008u, sum);
    }
    return sum;
}

/* x rows x inputs, table a high_word for each output, w a word for two inputs of each four outputs, y rows x outputs, scratch a row of
 * half-words. */
static inline void dense_packed_s8_nibbles(const dense_packed_s8_nibbles_params *p, const int8_t *x, const int32_t *table, const uint32_t *w,
                                           int8_t *y, void *scratch)
{
    const high_word *channel = (const high_word *)(const void *)table;
    const uint32_t *const words = (const uint32_t *)scratch;
    for (int32_t row = 0; row < p->rows; row++) {
        const uint32_t *end = (const uint32_t *)(const void *)dense_widen(x + row * p->inputs, p->inputs, (uint32_t *)scratch);
        const int32_t excess = dense_nibbles_excess(words, end);
        for (int32_t o = 0; o < p->outputs; o += 4) {
            const dense_nibbles_sums of = dense_nibbles_products(words, end, w + o / 4 * (end - words));
            for (int32_t i = 0; i < 4 && o + i < p->outputs; i++) {
                const int32_t sum = channel[o + i].bias + (p->doubled ? 2 : 1) * (of.sum[i] - excess);
                y[row * p->outputs + o + i] = (int8_t)clip_code(high_word_code(&channel[o + i], p->doubled, sum), p->lo, p->hi);
            }
        }
    }
}

#endif
