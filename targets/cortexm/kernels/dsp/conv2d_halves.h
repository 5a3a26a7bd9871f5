/* conv2d_halves: convolution of activations of 16 bits, as conv2d_pairs.h does it of 8: two output rows by two output channels at a time.
 * The rows of input under them are interleaved in scratch. Sums have 32 bits where the weights prove that this is enough, else 64.
 * The definition is compiler/ops/conv2d.py; conv2d_halves.py says what is packed. */
#ifndef TAPEOUT_CONV2D_HALVES_H
#define TAPEOUT_CONV2D_HALVES_H

#include "conv2d_pairs.h"
#include "wide.h"

typedef conv2d_s8_pairs_params conv2d_packed_s16_halves_params;
typedef conv2d_s8_pairs_params conv2d_packed_s16_halves_bytes_params;
typedef conv2d_s8_pairs_params conv2d_packed_s16_halves_wide_params;

/* The rows a and b of input, interleaved behind their padding; NULL is a row of padding. */
static inline void conv_halves_rows(const conv2d_s8_pairs_params *p, const int16_t *a, const int16_t *b, int16_t *row)
{
    const int32_t in_c = p->window.in_c, zero = p->x_zero;
    const int32_t count = p->window.in_w * in_c;
    const int32_t left = p->window.pad_left * p->pixel;
    const int32_t fours = a && b && p->pixel == in_c && left % 2 == 0 ? count & ~3 : 0;
    int32_t e = 0;
    while (e < left) {
        conv_pairs_put(row, e++, zero, zero);
    }
    for (int32_t i = 0; i < fours; i += 4, e += 4) {
        conv_pairs_join(a + i, b + i, (uint32_t *)(void *)row + e);
    }
    for (int32_t i = fours; i < count; i++) {
        conv_pairs_put(row, e++, a ? a[i] : zero, b ? b[i] : zero);
        if (p->pixel > in_c && (i + 1) % in_c == 0) {
            conv_pairs_put(row, e++, 0, 0); /* its weights are 0 */
        }
    }
    while (e < p->row) {
        conv_pairs_put(row, e++, zero, zero);
    }
}

/* All rows of input under two rows of output. */
static inline void conv_halves_windows(const conv2d_s8_pairs_params *p, const int16_t *x, int32_t first, int32_t second, uint8_t *scratch)
    __attribute__((always_inline));
static inline void conv_halves_windows(const conv2d_s8_pairs_params *p, const int16_t *x, int32_t first, int32_t second, uint8_t *scratch)
{
    const window_params *g = &p->window;
    for (int32_t i = 0; i < g->k_h; i++) {
        const int32_t top = first * g->stride_h - g->pad_top + i * g->dilation_h;
        const int32_t bottom = second * g->stride_h - g->pad_top + i * g->dilation_h;
        conv_halves_rows(p, top >= 0 && top < g->in_h ? x + top * g->in_row : NULL,
                         bottom >= 0 && bottom < g->in_h ? x + bottom * g->in_row : NULL, (int16_t *)(void *)scratch + 2 * i * p->row);
    }
}

/* The tensors of conv2d_packed_s16, groups and dilation_w being 1. table: out_c rows of high_word and one more where out_c is odd; w: weights
 * of 16 bits by pairs of channels; scratch: k_h rows of `row` words. An odd last row of output is its own partner. */
static inline void conv2d_packed_s16_halves(const conv2d_s8_pairs_params *p, const int16_t *x, const int32_t *table, const uint32_t *w, int16_t *y,
                                            uint8_t *scratch) __attribute__((always_inline));
static inline void conv2d_packed_s16_halves(const conv2d_s8_pairs_params *p, const int16_t *x, const int32_t *table, const uint32_t *w, int16_t *y,
                                            uint8_t *scratch)
{
    const window_params *g = &p->window;
    for (int32_t first = 0; first < g->out_h; first += 2) {
        const int32_t second = first + 1 < g->out_h ? first + 1 : first;
        conv_halves_windows(p, x, first, second, scratch);
        for (int32_t column = 0; column < g->out_w; column++) {
            const uint32_t *at = (const uint32_t *)(const void *)scratch + column * g->stride_w * p->pixel, *taps = w;
            const high_word *channel = (const high_word *)(const void *)table;
            int16_t *a = y + first * g->out_row + column * g->out_pixel, *b = y + second * g->out_row + column * g->out_pixel;
            for (const int16_t *end = a + g->out_c; a < end; a += 2, b += 2, channel += 2) {
                const conv_pairs_sums sums = conv_pairs_products(p, at, &taps, channel[0].bias, channel[1].bias);
                b[0] = (int16_t)high_word_code_16(&channel[0], sums.b0, p->lo, p->hi);
                a[0] = (int16_t)high_word_code_16(&channel[0], sums.a0, p->lo, p->hi);
                if (g->out_c % 2 == 0 || a + 1 < end) {
                    b[1] = (int16_t)high_word_code_16(&channel[1], sums.b1, p->lo, p->hi);
                    a[1] = (int16_t)high_word_code_16(&channel[1], sums.a1, p->lo, p->hi);
                }
            }
        }
    }
}

/* The same with weights of bytes. */
static inline void conv2d_packed_s16_halves_bytes(const conv2d_s8_pairs_params *p, const int16_t *x, const int32_t *table, const uint32_t *w,
                                                  int16_t *y, uint8_t *scratch) __attribute__((always_inline));
static inline void conv2d_packed_s16_halves_bytes(const conv2d_s8_pairs_params *p, const int16_t *x, const int32_t *table, const uint32_t *w,
                                                  int16_t *y, uint8_t *scratch)
{
    conv2d_packed_s16_halves(p, x, table, w, y, scratch);
}

/* The same with sums of 64 bits; table: out_c rows of `wide` and one more where out_c is odd; w: two elements of the one channel before two
 * of the other. */
static inline void conv2d_packed_s16_halves_wide(const conv2d_s8_pairs_params *p, const int16_t *x, const int32_t *table, const uint32_t *w,
                                                 int16_t *y, uint8_t *scratch)
{
    const window_params *g = &p->window;
    const int32_t words = 2 * p->blocks * p->loops; /* of a row of a window, and of the weights of a channel */
    for (int32_t first = 0; first < g->out_h; first += 2) {
        const int32_t second = first + 1 < g->out_h ? first + 1 : first;
        conv_halves_windows(p, x, first, second, scratch);
        for (int32_t column = 0; column < g->out_w; column++) {
            const uint32_t *taps = w;
            const wide *channel = (const wide *)(const void *)table;
            int16_t *a = y + first * g->out_row + column * g->out_pixel, *b = y + second * g->out_row + column * g->out_pixel;
            for (const int16_t *end = a + g->out_c; a < end; a += 2, b += 2, channel += 2) {
                const uint32_t *at = (const uint32_t *)(const void *)scratch + column * g->stride_w * p->pixel;
                int64_t a0 = wide_bias(&channel[0]), b0 = a0, a1 = wide_bias(&channel[1]), b1 = a1;
                for (int32_t i = 0; i < g->k_h; i++, at += p->row - 2 * words) {
                    for (int32_t e = 0; e < words; e++, at += 2, taps += 2) {
                        a0 = smlald(at[0], taps[0], a0);
                        b0 = smlald(at[1], taps[0], b0);
                        a1 = smlald(at[0], taps[1], a1);
                        b1 = smlald(at[1], taps[1], b1);
                    }
                }
                b[0] = (int16_t)wide_code(&channel[0], b0, p->lo, p->hi);
                a[0] = (int16_t)wide_code(&channel[0], a0, p->lo, p->hi);
                if (g->out_c % 2 == 0 || a + 1 < end) {
                    b[1] = (int16_t)wide_code(&channel[1], b1, p->lo, p->hi);
                    a[1] = (int16_t)wide_code(&channel[1], a1, p->lo, p->hi);
                }
            }
        }
    }
}

#endif
