/* conv2d_direct: convolution by the DSP extension, two neighbouring output pixels by two output channels at a time. Scratch holds no more
 * than the codes of these pixels, until their windows have been read for all channels.
 * Codes are widened to 16 bits as they are read, which takes their zero point away as well, so that taps in the padding are left out. The
 * taps of a kernel row lie side by side in x: they are read by words, 4 elements of both pixels in a block of 15 instructions for 16
 * products. A row that is no multiple of 4 ends with a block that overlaps the one before, where the weights are 0. Pixels whose windows
 * reach into padding on the left or right, and the last of an odd number, are computed one by one.
 * The definition is compiler/ops/conv2d.py; conv2d_direct.py says what is packed. */
#ifndef TAPEOUT_CONV2D_DIRECT_H
#define TAPEOUT_CONV2D_DIRECT_H

#include "high_word.h"
#include "window.h"
#include <string.h>

typedef struct {
    window_params window;
    int32_t blocks, loops, rest; /* a kernel row is `loops` times `blocks` of 4 elements, `rest` of them, and 0 to 3 elements */
    int32_t x_zero, lo, hi;
    int32_t doubled;             /* whether sums are, see high_word.h: by weights of 16 bits, else at the end */
    int32_t bytes;               /* whether weights are bytes */
} conv2d_s8_direct_params;

typedef conv2d_s8_direct_params conv2d_s8_direct_bytes_params;

/* Sums of two channels of the pixels a and b. */
typedef struct {
    int32_t a0, a1, b0, b1;
} direct_sums;

/* Words of weights of a kernel row, for two channels. */
static inline int32_t direct_row_words(const conv2d_s8_direct_params *p)
{
    return (p->window.k_w * p->window.in_c + 3) / 4 * (p->bytes ? 2 : 4);
}

/* Minus the zero point of x, in both halves. */
static inline uint32_t direct_less(const conv2d_s8_direct_params *p)
{
    return ((uint32_t)-p->x_zero & 0xffff) * 0x00010001u;
}

/* Four elements of pixel b at x + `ahead` and of pixel a at x; r4 takes elements 0 and 2 of a pixel, then its word 1 and 3. */
#define DIRECT_BLOCK(load_b, load_a)                                                                                                           \
    "ldr r3, " load_b "\n"                                                                                                                     \
    "ldr r2, " load_a "\n"                                                                                                                     \
    ".if %c[bytes]\n"                                                                                                                          \
    "ldm %[w]!, {r9, r11}\n"                                                                                                                   \
    "sxtb16 r8, r9\n"                                                                                                                          \
    "sxtb16 r9, r9, ror #8\n"                                                                                                                  \
    "sxtb16 r10, r11\n"                                                                                                                        \
    "sxtb16 r11, r11, ror #8\n"                                                                                                                \
    ".else\n"                                                                                                                                  \
    "ldm %[w]!, {r8, r9, r10, r11}\n"                                                                                                          \
    ".endif\n"                                                                                                                                 \
    "sxtab16 r4, %[less], r2\n"                                                                                                                \
    "sxtab16 r2, %[less], r2, ror #8\n"                                                                                                        \
    "smlad %[a0], r4, r8, %[a0]\n"                                                                                                             \
    "smlad %[a1], r4, r10, %[a1]\n"                                                                                                            \
    "sxtab16 r4, %[less], r3\n"                                                                                                                \
    "sxtab16 r3, %[less], r3, ror #8\n"                                                                                                        \
    "smlad %[a0], r2, r9, %[a0]\n"                                                                                                             \
    "smlad %[a1], r2, r11, %[a1]\n"                                                                                                            \
    "smlad %[b0], r4, r8, %[b0]\n"                                                                                                             \
    "smlad %[b1], r4, r10, %[b1]\n"                                                                                                            \
    "smlad %[b0], r3, r9, %[b0]\n"                                                                                                             \
    "smlad %[b1], r3, r11, %[b1]\n"

/* The sums of two pixels whose windows lie in x with all their columns, over `rows` rows of the kernel, at least one; `x` and `w` point to
 * the first of these rows. */
static inline direct_sums direct_pair(const conv2d_s8_direct_params *p, const int8_t *x, const high_word *channel, const uint32_t *w, int32_t rows)
    __attribute__((always_inline));
static inline direct_sums direct_pair(const conv2d_s8_direct_params *p, const int8_t *x, const high_word *channel, const uint32_t *w, int32_t rows)
{
    const window_params *g = &p->window;
    /* Registers by name, since all are taken. What is used once a row waits in those for floats, and comes there by others, since what gcc
     * loads there it loads from nearer than this code is long. */
    register const int8_t *at __asm("r0") = x;
    register const uint32_t *taps __asm("r1") = w;
    register uint32_t less __asm("r5") = direct_less(p);
    register int32_t a0 __asm("r6") = channel[0].bias, a1 __asm("r12") = channel[1].bias;
    register int32_t b0 __asm("r7"), b1 __asm("lr");
    register int32_t count __asm("r2") = rows;
    register int32_t gap __asm("r3") = g->dilation_h * g->in_row - g->k_w * g->in_c / 4 * 4; /* from a row's last block to the next row */
    int32_t rows_left, loops_left, kept;
    __asm volatile("mov %[b0], %[a0]\n"
                   "mov %[b1], %[a1]\n"
                   ".if %c[k_h] > 1\n"
                   "vmov %[rows], r2\n"
                   "vmov %[kept], r3\n"
                   "2:\n"
                   ".endif\n"
                   ".if %c[loops] > 1\n"
                   "movw r2, #%c[loops]\n"
                   "vmov %[loops_left], r2\n"
                   "1:\n"
                   ".endif\n"
                   ".rept %c[blocks]\n" DIRECT_BLOCK("[%[x], #%c[ahead]]", "[%[x]], #4") ".endr\n"
                   ".if %c[loops] > 1\n"
                   "vmov r2, %[loops_left]\n"
                   "subs r2, r2, #1\n"
                   "vmov %[loops_left], r2\n"
                   "bne 1b\n"
                   ".endif\n"
                   ".rept %c[rest]\n" DIRECT_BLOCK("[%[x], #%c[ahead]]", "[%[x]], #4") ".endr\n"
                   ".if %c[tail]\n" DIRECT_BLOCK("[%[x], #%c[tail] - 4 + %c[ahead]]", "[%[x], #%c[tail] - 4]") ".endif\n"
                   ".if %c[k_h] > 1\n"
                   "vmov r2, %[kept]\n"
                   "add %[x], %[x], r2\n"
                   "vmov r2, %[rows]\n"
                   "subs r2, r2, #1\n"
                   "vmov %[rows], r2\n"
                   "bne 2b\n"
                   ".endif\n"
                   : [x] "+r"(at), [w] "+r"(taps), [a0] "+r"(a0), [a1] "+r"(a1), [b0] "=&r"(b0), [b1] "=&r"(b1), "+r"(count),
                     "+r"(gap), [rows] "=&t"(rows_left), [loops_left] "=&t"(loops_left), [kept] "=&t"(kept)
                   : [less] "r"(less), [k_h] "i"(g->k_h), [ahead] "i"(g->stride_w * g->in_pixel), [blocks] "i"(p->blocks),
                     [loops] "i"(p->loops), [rest] "i"(p->rest), [tail] "i"(g->k_w * g->in_c % 4), [bytes] "i"(p->bytes)
                   : "r4", "r8", "r9", "r10", "r11", "cc", "memory");
    return (direct_sums){a0, a1, b0, b1};
}

/* The elements `from` to `from` + 3 of x as a word; those outside of `first` to `last` - 1 are not read, and count as the zero point. */
static inline uint32_t direct_word(const conv2d_s8_direct_params *p, const int8_t *x, int32_t from, int32_t first, int32_t last)
{
    uint32_t word = 0;
    if (p->window.in_c % 4 == 0 || (from >= first && from + 4 <= last)) {
        memcpy(&word, x + from, 4);
        return word;
    }
    for (int32_t e = from + 3; e >= from; e--) {
        word = word << 8 | (uint8_t)(e >= first && e < last ? x[e] : p->x_zero);
    }
    return word;
}

/* Adds the taps of one row of the kernel that lie inside of x to the sums of pixel a; `x` and `w` point to the first tap, inside or not. */
static inline void direct_single(const conv2d_s8_direct_params *p, const int8_t *x, const uint32_t *w, taps inside, direct_sums *sums)
{
    const int32_t in_c = p->window.in_c;
    const int32_t final = p->window.k_w * in_c - 4; /* where the last block begins */
    const int32_t first = inside.first * in_c, last = inside.last * in_c;
    const uint32_t less = direct_less(p);
    w += first / 4 * (p->bytes ? 2 : 4);
    for (int32_t e = first / 4 * 4; e < last; e += 4) {
        const uint32_t word = direct_word(p, x, in_c % 4 == 0 || e < final ? e : final, first, last);
        const uint32_t even = sxtab16(less, word), odd = sxtab16_ror8(less, word);
        if (p->bytes) {
            sums->a0 = smlad(odd, sxtb16_ror8(w[0]), smlad(even, sxtb16(w[0]), sums->a0));
            sums->a1 = smlad(odd, sxtb16_ror8(w[1]), smlad(even, sxtb16(w[1]), sums->a1));
            w += 2;
        } else {
            sums->a0 = smlad(odd, w[1], smlad(even, w[0], sums->a0));
            sums->a1 = smlad(odd, w[3], smlad(even, w[2], sums->a1));
            w += 4;
        }
    }
}

/* Codes of two channels of a pixel, or of one where `both` is 0. */
static inline void direct_store(const conv2d_s8_direct_params *p, const high_word *channel, int32_t sum_0, int32_t sum_1, int32_t both, int8_t *y)
{
    const int32_t twice = p->bytes && p->doubled ? 2 : 1;
    y[0] = (int8_t)clip_code(high_word_code(&channel[0], p->doubled, twice * sum_0), p->lo, p->hi);
    if (both) {
        y[1] = (int8_t)clip_code(high_word_code(&channel[1], p->doubled, twice * sum_1), p->lo, p->hi);
    }
}

/* All channels of one pixel, or of two neighbours whose windows lie in x with all their columns; `y` takes them one after the other. */
static inline void direct_pixels(const conv2d_s8_direct_params *p, const int8_t *x, window at, int32_t two, const high_word *channel,
                                 const uint32_t *w, int8_t *y) __attribute__((always_inline));
static inline void direct_pixels(const conv2d_s8_direct_params *p, const int8_t *x, window at, int32_t two, const high_word *channel,
                                 const uint32_t *w, int8_t *y)
{
    const window_params *g = &p->window;
    const int32_t words = direct_row_words(p), step = g->dilation_h * g->in_row;
    x += at.origin;
    for (int32_t o = 0; o < g->out_c; o += 2, channel += 2, w += g->k_h * words) {
        const int32_t both = g->out_c % 2 == 0 || o + 1 < g->out_c;
        direct_sums sums = {channel[0].bias, channel[1].bias, channel[0].bias, channel[1].bias};
        if (two && at.rows.first < at.rows.last) {
            sums = direct_pair(p, x + at.rows.first * step, channel, w + at.rows.first * words, at.rows.last - at.rows.first);
        }
        for (int32_t i = at.rows.first; !two && i < at.rows.last; i++) {
            direct_single(p, x + i * step, w + i * words, at.columns, &sums);
        }
        direct_store(p, channel, sums.a0, sums.a1, both, y + o);
        if (two) {
            direct_store(p, channel, sums.b0, sums.b1, both, y + g->out_c + o);
        }
    }
}

/* The tensors of conv2d_s8, groups and dilation_w being 1. table: out_c rows of high_word and one more where out_c is odd; w: weights by
 * pairs of channels; scratch: two pixels of y. */
static inline void conv2d_s8_direct(const conv2d_s8_direct_params *p, const int8_t *x, const int32_t *table, const uint32_t *w, int8_t *y,
                                    uint8_t *scratch) __attribute__((always_inline));
static inline void conv2d_s8_direct(const conv2d_s8_direct_params *p, const int8_t *x, const int32_t *table, const uint32_t *w, int8_t *y,
                                    uint8_t *scratch)
{
    const window_params *g = &p->window;
    const high_word *channels = (const high_word *)(const void *)table;
    int8_t *codes = (int8_t *)scratch;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w;) {
            const window at = window_at(g, row, column);
            const int32_t left = column * g->stride_w - g->pad_left;
            const int32_t two = left >= 0 && left + g->stride_w + g->k_w <= g->in_w && column + 1 < g->out_w;
            if (two) {
                direct_pixels(p, x, at, 1, channels, w, codes);
            } else {
                direct_pixels(p, x, at, 0, channels, w, codes);
            }
            for (int32_t i = 0; i <= two; i++, column++) {
                memcpy(y + row * g->out_row + column * g->out_pixel, codes + i * g->out_c, (size_t)g->out_c);
            }
        }
    }
}

/* The same with weights of bytes. */
static inline void conv2d_s8_direct_bytes(const conv2d_s8_direct_params *p, const int8_t *x, const int32_t *table, const uint32_t *w, int8_t *y,
                                          uint8_t *scratch) __attribute__((always_inline));
static inline void conv2d_s8_direct_bytes(const conv2d_s8_direct_params *p, const int8_t *x, const int32_t *table, const uint32_t *w, int8_t *y,
                                          uint8_t *scratch)
{
    conv2d_s8_direct(p, x, table, w, y, scratch);
}

#endif
