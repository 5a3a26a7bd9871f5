/* Rows of an image in pairs, for depthwise convolutions with kernels of 3 x 3 taps: an SMLAD takes two taps of a column at once.
 *
 * Rows 0 and 1, 2 and 3, ... of the padded input become pairs: words that hold a code of the first row in the lower half and the
 * one below it in the upper. Two neighbouring pairs, rows a b and c d, give a row of output in steps of two rows, or two rows of
 * output in steps of one:
 *     (a b) * (w0 w1) + c * w2    and    b * w0 + (c d) * (w1 w2)
 * Each column of taps has the words (w0 w1) and (w1 w2), which stay in six registers while a channel's rows pass.
 * Scratch memory holds two pairs of rows of four channels: columns x 4 channels x 2 pairs, so that one LDRD reads both pairs.
 * Padding is stored there as the input's zero point, so that borders are as everything else; sums begin without what the zero point
 * adds to them. How sums become codes: targets/cortexm/common_shift.py. */
#ifndef TAPEOUT_ROW_PAIRS_H
#define TAPEOUT_ROW_PAIRS_H

#include "dsp.h"
#include "four_codes.h"
#include "window.h"

enum {
    PAIRS_GROUP = 4,   /* channels whose rows are paired together */
    PAIRS_COLUMN = 32, /* bytes of scratch */
    PAIRS_WORDS = 9    /* of a channel in a table: six of weights, where its sums begin, the multiplier, what is added to the product */
};

/* Assembly. Registers: r0 points to pairs; r12 and lr hold those of a column; r2-r4 (w0 w1) of the three columns of taps, r5-r7 (w1 w2). */
#define PAIRS_LOAD(address) "ldrd r12, lr, " address "\n\t"
#define PAIRS_SMLA(halves, sum, pair, taps) "smla" halves " " sum ", " pair ", " taps ", " sum "\n\t"
/* A column of taps, for the row of output that begins at a, and for that one and the next. */
#define PAIRS_ONE(sum, w01, w12, ab, cd) PAIRS_SMLA("d", sum, ab, w01) PAIRS_SMLA("bt", sum, cd, w12)
#define PAIRS_TWO(sum, next, w01, w12, ab, cd)                                                     \
    PAIRS_ONE(sum, w01, w12, ab, cd) PAIRS_SMLA("tb", next, ab, w01) PAIRS_SMLA("d", next, cd, w12)

/* In steps of two columns an output's last column is the first of the next. */
#define PAIRS_FIRST(sum, ab, cd) PAIRS_ONE(sum, "r2", "r5", ab, cd)
#define PAIRS_REST(sum, second, third, ab, cd)                                                     \
    PAIRS_LOAD("[r0, #" second "]") PAIRS_ONE(sum, "r3", "r6", ab, cd) PAIRS_LOAD("[r0, #" third "]") PAIRS_ONE(sum, "r4", "r7", ab, cd)

/* A row of input, and how far apart its pixels are; for a row of padding, one pixel of it. */
typedef struct {
    const int8_t *x;
    int32_t step;
} pairs_row;

static inline pairs_row pairs_row_at(const window_params *g, int32_t row, const int8_t *x, const int8_t *padding)
{
    return row >= 0 && row < g->in_h ? (pairs_row){x + row * g->in_row, g->in_pixel} : (pairs_row){padding, 0};
}

/* Two rows as pairs, in every second word from `to` to `end`. */
static inline void pairs_fill(pairs_row a, pairs_row b, int32_t channels, uint32_t *to, const uint32_t *end)
{
    for (; to != end; to += PAIRS_COLUMN / 4) {
        const uint32_t above = four_codes(a.x, channels), below = four_codes(b.x, channels);
        const uint32_t first = low_halves(above, below), last = high_halves(above, below);
        to[0] = sxtb16(first);
        to[2] = sxtb16_ror8(first);
        to[4] = sxtb16(last);
        to[6] = sxtb16_ror8(last);
        a.x += a.step;
        b.x += b.step;
    }
}

/* The same of four channels of two rows with pixels as far apart. */
static inline void pairs_fill_alike(pairs_row a, const int8_t *b, uint32_t *to, const uint32_t *end)
{
    uint32_t at = 0, above, below, pair;
    __asm volatile("1:\n\tldr %[above], [%[a], %[at]]\n\tldr %[below], [%[b], %[at]]\n\tadd %[at], %[step]\n\t"
                   "pkhbt %[pair], %[above], %[below], lsl #16\n\tpkhtb %[below], %[below], %[above], asr #16\n\t"
                   "sxtb16 %[above], %[pair]\n\tsxtb16 %[pair], %[pair], ror #8\n\tstr %[pair], [%[to], #8]\n\t"
                   "sxtb16 %[pair], %[below]\n\tsxtb16 %[below], %[below], ror #8\n\tstr %[pair], [%[to], #16]\n\t"
                   "str %[below], [%[to], #24]\n\tstr %[above], [%[to]], #32\n\tcmp %[to], %[end]\n\tbne 1b\n"
                   : [to] "+r"(to), [at] "+r"(at), [above] "=&r"(above), [below] "=&r"(below), [pair] "=&r"(pair)
                   : [a] "r"(a.x), [b] "r"(b), [step] "r"(a.step), [end] "r"(end)
                   : "cc", "memory");
}

/* Columns of the padded input that windows see. */
static inline int32_t pairs_columns(const window_params *g)
{
    return (g->out_w - 1) * g->stride_w + 3;
}

/* Padding in all of scratch memory. */
static inline void pairs_clear(const window_params *g, int32_t x_zero, uint32_t *scratch)
{
    for (int32_t i = 0; i < pairs_columns(g) * (PAIRS_COLUMN / 4); i++) {
        scratch[i] = ((uint32_t)x_zero & 0xffff) * 0x00010001u;
    }
}

static inline __attribute__((always_inline)) void pairs_of_rows(const window_params *g, int32_t row, const int8_t *x,
                                                                const int8_t *padding, uint32_t *scratch);

/* The rows `row` and the one below it of a group of channels, from `scratch` on in every second word; `x` points to row 0,
 * `padding` to a pixel of it. */
static inline void pairs_of_rows(const window_params *g, int32_t row, const int8_t *x, const int8_t *padding, uint32_t *scratch)
{
    const int32_t room = pairs_columns(g) - g->pad_left;
    const int32_t inside = g->in_w < room ? g->in_w : room;
    const pairs_row a = pairs_row_at(g, row, x, padding), b = pairs_row_at(g, row + 1, x, padding);
    uint32_t *const first = scratch + g->pad_left * (PAIRS_COLUMN / 4);
    if (inside <= 0) {
        return;
    }
    if (a.step == b.step && g->in_c >= PAIRS_GROUP) {
        pairs_fill_alike(a, b.x, first, first + inside * (PAIRS_COLUMN / 4));
    } else {
        pairs_fill(a, b, g->in_c, first, first + inside * (PAIRS_COLUMN / 4));
    }
}

#endif
