/* conv2d_pairs: convolution by the DSP extension, two output rows by two output channels at a time.
 * The rows of input under a pair of output rows are widened once to 16 bits in scratch, interleaved, so that every window lies there as it
 * is read, without im2col: elements 2q and 2q + 1 of the first row in a word, of the second row in the next. The inner block
 * is 4 elements by 2 rows by 2 channels: two loads of four words, eight dual multiply-accumulates, every register in use.
 * The definition is compiler/ops/conv2d.py; conv2d_pairs.py says what is packed. */
#ifndef TAPEOUT_CONV2D_PAIRS_H
#define TAPEOUT_CONV2D_PAIRS_H

#include "high_word.h"
#include "window.h"
#include <string.h>

typedef struct {
    window_params window;
    int32_t pixel;         /* elements of a pixel in scratch: in_c, or one more where windows would begin at odd elements */
    int32_t row;           /* elements of a row in scratch, with its padding: even, and all that blocks read */
    int32_t blocks, loops; /* of 4 elements: a kernel row is `loops` times `blocks` of them */
    int32_t x_zero, lo, hi;
    int32_t doubled;       /* whether sums are, see high_word.h */
    int32_t bytes;         /* whether weights are bytes: half the flash, four more instructions in the inner block, to widen them */
} conv2d_s8_pairs_params;

static inline void conv_pairs_put(int16_t *row, int32_t e, int32_t a, int32_t b)
{
    int16_t *at = row + 2 * (e & ~1) + (e & 1);
    at[0] = (int16_t)a;
    at[2] = (int16_t)b;
}

/* Four elements of each row in order: a01 b01 a23 b23. */
static inline void conv_pairs_widen(const int8_t *a, const int8_t *b, uint32_t *at)
{
    uint32_t x, y;
    memcpy(&x, a, 4);
    memcpy(&y, b, 4);
    at[0] = low_halves(sxtb16(x), sxtb16_ror8(x));
    at[1] = low_halves(sxtb16(y), sxtb16_ror8(y));
    at[2] = high_halves(sxtb16(x), sxtb16_ror8(x));
    at[3] = high_halves(sxtb16(y), sxtb16_ror8(y));
}

/* The same of half-words. */
static inline void conv_pairs_join(const int16_t *a, const int16_t *b, uint32_t *at)
{
    memcpy(&at[0], a, 4);
    memcpy(&at[1], b, 4);
    memcpy(&at[2], a + 2, 4);
    memcpy(&at[3], b + 2, 4);
}

/* The rows a and b of input, interleaved behind their padding. */
static inline void conv_pairs_rows(const conv2d_s8_pairs_params *p, const int8_t *a, const int8_t *b, int16_t *row)
{
    const int32_t in_c = p->window.in_c;
    const int32_t count = p->window.in_w * in_c;
    const int32_t left = p->window.pad_left * p->pixel;
    const int32_t fours = p->pixel == in_c && left % 2 == 0 ? count & ~3 : 0;
    int32_t e = 0;
    while (e < left) {
        conv_pairs_put(row, e++, p->x_zero, p->x_zero);
    }
    for (int32_t i = 0; i < fours; i += 4, e += 4) {
        conv_pairs_widen(a + i, b + i, (uint32_t *)(void *)row + e);
    }
    for (int32_t i = fours; i < count; i++) {
        conv_pairs_put(row, e++, a[i], b[i]);
        if (p->pixel > in_c && (i + 1) % in_c == 0) {
            conv_pairs_put(row, e++, 0, 0); /* its weights are 0 */
        }
    }
    while (e < p->row) {
        conv_pairs_put(row, e++, p->x_zero, p->x_zero);
    }
}

/* The codes of one channel for the two pixels, clipped to lo .. hi. */
static inline void conv_pairs_store(const high_word *channel, int32_t doubled, int32_t lo, int32_t hi, int32_t sum_a, int32_t sum_b, int8_t *a, int8_t *b)
{
    *b = (int8_t)clip_code(high_word_code(channel, doubled, sum_b), lo, hi);
    *a = (int8_t)clip_code(high_word_code(channel, doubled, sum_a), lo, hi);
}

/* The rows of input under the rows `first` and `second` of output; `padding` is a row of it. */
static inline void conv_pairs_windows(const conv2d_s8_pairs_params *p, const int8_t *x, const int8_t *padding, int32_t first, int32_t second,
                                      int16_t *rows) __attribute__((always_inline));
static inline void conv_pairs_windows(const conv2d_s8_pairs_params *p, const int8_t *x, const int8_t *padding, int32_t first, int32_t second,
                                      int16_t *rows)
{
    const window_params *g = &p->window;
    for (int32_t i = 0; i < g->k_h; i++) {
        const int32_t top = first * g->stride_h - g->pad_top + i * g->dilation_h;
        const int32_t bottom = second * g->stride_h - g->pad_top + i * g->dilation_h;
        conv_pairs_rows(p, top >= 0 && top < g->in_h ? x + top * g->in_row : padding,
                        bottom >= 0 && bottom < g->in_h ? x + bottom * g->in_row : padding, rows + 2 * i * p->row);
    }
}

/* Sums of two channels of the pixels a and b. */
typedef struct {
    int32_t a0, a1, b0, b1;
} conv_pairs_sums;

/* The sums of two pixels whose windows begin at x in scratch, from the bias of each channel on; moves *w to the next two channels. */
static inline conv_pairs_sums conv_pairs_products(const conv2d_s8_pairs_params *p, const uint32_t *x, const uint32_t **w, int32_t bias_0,
                                                  int32_t bias_1) __attribute__((always_inline));
static inline conv_pairs_sums conv_pairs_products(const conv2d_s8_pairs_params *p, const uint32_t *x, const uint32_t **w, int32_t bias_0,
                                                  int32_t bias_1)
{
    /* Registers by name, since all are taken and gcc does not always find the way to share them out. */
    register const uint32_t *at __asm("r0") = x;
    register const uint32_t *taps __asm("r1") = *w;
    register int32_t a0 __asm("r6") = bias_0, b0 __asm("r7") = bias_0; /* of the pixels a and b, channel 0 */
    register int32_t a1 __asm("r12") = bias_1, b1 __asm("lr") = bias_1;
    int32_t left; /* loops to go */
    __asm volatile(".rept %c[rows]\n"
                   ".if %c[loops] > 1\n"
                   "movw r2, #%c[loops]\n"
                   "vmov %[left], r2\n"
                   "1:\n"
                   ".endif\n"
                   ".rept %c[blocks]\n"
                   "ldm %[x]!, {r2, r3, r4, r5}\n"
                   ".if %c[bytes]\n"
                   "ldm %[w]!, {r9, r11}\n"
                   "sxtb16 r8, r9\n"
                   "sxtb16 r9, r9, ror #8\n"
                   "sxtb16 r10, r11\n"
                   "sxtb16 r11, r11, ror #8\n"
                   ".else\n"
                   "ldm %[w]!, {r8, r9, r10, r11}\n"
                   ".endif\n"
                   "smlad %[a0], r2, r8, %[a0]\n"
                   "smlad %[b0], r3, r8, %[b0]\n"
                   "smlad %[a1], r2, r10, %[a1]\n"
                   "smlad %[b1], r3, r10, %[b1]\n"
                   "smlad %[a0], r4, r9, %[a0]\n"
                   "smlad %[b0], r5, r9, %[b0]\n"
                   "smlad %[a1], r4, r11, %[a1]\n"
                   "smlad %[b1], r5, r11, %[b1]\n"
                   ".endr\n"
                   ".if %c[loops] > 1\n"
                   "vmov r2, %[left]\n"
                   "subs r2, r2, #1\n"
                   "vmov %[left], r2\n"
                   "bne 1b\n"
                   ".endif\n"
                   ".if %c[gap] > 0\n"
                   "movw r2, #%c[gap]\n"
                   "add %[x], %[x], r2\n"
                   ".endif\n"
                   ".endr"
                   : [x] "+r"(at), [w] "+r"(taps), [a0] "+r"(a0), [b0] "+r"(b0), [a1] "+r"(a1), [b1] "+r"(b1), [left] "=&t"(left)
                   : [rows] "i"(p->window.k_h), [loops] "i"(p->loops), [blocks] "i"(p->blocks), [bytes] "i"(p->bytes),
                     [gap] "i"(4 * (p->row - 4 * p->blocks * p->loops))
                   : "r2", "r3", "r4", "r5", "r8", "r9", "r10", "r11", "cc", "memory");
    *w = taps;
    return (conv_pairs_sums){a0, a1, b0, b1};
}

/* All channels of the two pixels a and b, whose windows begin at x in scratch. */
static inline void conv_pairs_pixels(const conv2d_s8_pairs_params *p, const uint32_t *x, const high_word *table, const uint32_t *w, int8_t *a, int8_t *b)
    __attribute__((always_inline));
static inline void conv_pairs_pixels(const conv2d_s8_pairs_params *p, const uint32_t *x, const high_word *table, const uint32_t *w, int8_t *a, int8_t *b)
{
    const int8_t *end = a + p->window.out_c;
    for (; a < end; a += 2, b += 2, table += 2) {
        const conv_pairs_sums sums = conv_pairs_products(p, x, &w, table[0].bias, table[1].bias);
        conv_pairs_store(&table[0], p->doubled, p->lo, p->hi, sums.a0, sums.b0, a, b);
        if (p->window.out_c % 2 == 0 || a + 1 < end) {
            conv_pairs_store(&table[1], p->doubled, p->lo, p->hi, sums.a1, sums.b1, a + 1, b + 1);
        }
    }
}

/* The tensors of conv2d_s8, groups and dilation_w being 1. table: out_c rows of high_word and one more where out_c is odd; w: weights of 16
 * bits by pairs of channels; scratch: k_h rows of `row` words, then a row of input that is padding. An odd last row of output is its own
 * partner. */
static inline void conv2d_s8_pairs(const conv2d_s8_pairs_params *p, const int8_t *x, const int32_t *table, const uint32_t *w, int8_t *y,
                                   uint8_t *scratch) __attribute__((always_inline));
static inline void conv2d_s8_pairs(const conv2d_s8_pairs_params *p, const int8_t *x, const int32_t *table, const uint32_t *w, int8_t *y,
                                   uint8_t *scratch)
{
    const window_params *g = &p->window;
    int16_t *rows = (int16_t *)(void *)scratch;
    int8_t *padding = (int8_t *)(scratch + 4 * g->k_h * p->row);
    memset(padding, p->x_zero, (size_t)(g->in_w * g->in_c));
    for (int32_t first = 0; first < g->out_h; first += 2) {
        const int32_t second = first + 1 < g->out_h ? first + 1 : first;
        conv_pairs_windows(p, x, padding, first, second, rows);
        for (int32_t column = 0; column < g->out_w; column++) {
            const uint32_t *at = (const uint32_t *)(const void *)rows + column * g->stride_w * p->pixel;
            conv_pairs_pixels(p, at, (const high_word *)(const void *)table, w, y + first * g->out_row + column * g->out_pixel,
                         y + second * g->out_row + column * g->out_pixel);
        }
    }
}

#endif
