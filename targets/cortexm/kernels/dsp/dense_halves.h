/* dense_halves: fully connected layer of inputs of 16 bits, four outputs at a time; weights are bytes, which are widened as they are read.
 * Sums have 32 bits where the weights prove that this is enough, else 64.
 * The definition is compiler/ops/dense.py; dense_halves.py says what is packed. */
#ifndef TAPEOUT_DENSE_HALVES_H
#define TAPEOUT_DENSE_HALVES_H

#include "high_word.h"
#include "wide.h"
#include <string.h>

typedef struct {
    int32_t rows, inputs, outputs;
    int32_t blocks; /* of eight inputs */
    int32_t lo, hi;
} dense_packed_s16_halves_params;
typedef dense_packed_s16_halves_params dense_packed_s16_halves_wide_params;

/* Sums of four outputs. */
typedef struct {
    int32_t sum[4];
} dense_halves_sums;

/* Four inputs by the weights of an output. */
#define DENSE_HALVES_FOUR(w, sum)                                                                                                \
    "sxtb16 r12, " w "\n\t"                                                                                                      \
    "sxtb16 " w ", " w ", ror #8\n\t"                                                                                            \
    "smlad " sum ", r6, r12, " sum "\n\t"                                                                                        \
    "smlad " sum ", r7, " w ", " sum "\n\t"

/* Of the half-words x to x_end, whole blocks of eight. */
static __attribute__((noinline)) dense_halves_sums dense_halves_products(const int16_t *x, const int16_t *x_end, const uint32_t *w)
{
    dense_halves_sums of = {{0, 0, 0, 0}};
    __asm volatile("1:\n\t"
                   ".rept 2\n\t"
                   "ldm %[x]!, {r6, r7}\n\t"
                   "ldm %[w]!, {r8-r11}\n\t" DENSE_HALVES_FOUR("r8", "%[sum0]") DENSE_HALVES_FOUR("r9", "%[sum1]")
                       DENSE_HALVES_FOUR("r10", "%[sum2]") DENSE_HALVES_FOUR("r11", "%[sum3]")
                   ".endr\n\t"
                   "cmp %[x], %[end]\n\t"
                   "bne 1b\n\t"
                   : [x] "+r"(x), [w] "+r"(w), [sum0] "+r"(of.sum[0]), [sum1] "+r"(of.sum[1]), [sum2] "+r"(of.sum[2]), [sum3] "+r"(of.sum[3])
                   : [end] "r"(x_end)
                   : "r6", "r7", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
    return of;
}

/* A row of inputs with zeros up to a whole block. */
static inline const int16_t *dense_halves_row(const dense_packed_s16_halves_params *p, const int16_t *x, int16_t *to)
{
    memcpy(to, x, sizeof *x * (size_t)p->inputs);
    memset(to + p->inputs, 0, sizeof *x * (size_t)(8 * p->blocks - p->inputs));
    return to;
}

/* x rows x inputs, table a high_word for each output, w blocks of words of four outputs, y rows x outputs, scratch a row of inputs. */
static inline void dense_packed_s16_halves(const dense_packed_s16_halves_params *p, const int16_t *x, const int32_t *table, const uint32_t *w,
                                           int16_t *y, void *scratch)
{
    const high_word *channel = (const high_word *)(const void *)table;
    for (int32_t row = 0; row < p->rows; row++) {
        const int16_t *inputs = dense_halves_row(p, x + row * p->inputs, (int16_t *)scratch);
        for (int32_t o = 0; o < p->outputs; o += 4) {
            const dense_halves_sums of = dense_halves_products(inputs, inputs + 8 * p->blocks, w + 2 * o * p->blocks);
            for (int32_t i = 0; i < 4 && o + i < p->outputs; i++) {
                const int32_t sum = channel[o + i].bias + of.sum[i];
                y[row * p->outputs + o + i] = (int16_t)high_word_code_16(&channel[o + i], sum, p->lo, p->hi);
            }
        }
    }
}

/* The same with sums of 64 bits; table: a `wide` for each output. */
static inline void dense_packed_s16_halves_wide(const dense_packed_s16_halves_params *p, const int16_t *x, const int32_t *table,
                                                const uint32_t *w, int16_t *y, void *scratch)
{
    const wide *channel = (const wide *)(const void *)table;
    for (int32_t row = 0; row < p->rows; row++) {
        const uint32_t *inputs = (const uint32_t *)(const void *)dense_halves_row(p, x + row * p->inputs, (int16_t *)scratch);
        for (int32_t o = 0; o < p->outputs; o++) {
            const uint32_t *taps = w + 8 * (o / 4) * p->blocks + o % 4;
            int64_t sum = wide_bias(&channel[o]);
            for (int32_t i = 0; i < 2 * p->blocks; i++, taps += 4) {
                sum = smlald(inputs[2 * i], sxtb16(*taps), sum);
                sum = smlald(inputs[2 * i + 1], sxtb16_ror8(*taps), sum);
            }
            y[row * p->outputs + o] = (int16_t)wide_code(&channel[o], sum, p->lo, p->hi);
        }
    }
}

#endif
