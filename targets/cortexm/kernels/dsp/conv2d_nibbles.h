/* conv2d_nibbles: convolution by weights of 4 bits, as conv2d_pairs.h does it by wider ones. The weights of two channels are unpacked to 16
 * bits in scratch, once for all windows of a pair of rows.
 * The definition is compiler/ops/conv2d.py; conv2d_nibbles.py says what is packed. */
#ifndef TAPEOUT_CONV2D_NIBBLES_H
#define TAPEOUT_CONV2D_NIBBLES_H

#include "conv2d_pairs.h"
#include "nibbles.h"

typedef conv2d_s8_pairs_params conv2d_packed_s8_nibbles_params;

/* The weights of two channels, four words of 16 bits for each word of 4. */
static inline void conv_nibbles_unpack(const uint32_t *w, int32_t words, int32_t doubled, uint32_t *to)
{
    for (const uint32_t *end = w + words; w < end; w++, to += 4) {
        const uint32_t word = *w;
        to[0] = nibble_pair(word, 0, doubled);
        to[1] = nibble_pair(word, 1, doubled);
        to[2] = nibble_pair(word, 2, doubled);
        to[3] = nibble_pair(word, 3, doubled);
    }
}

/* The tensors of conv2d_packed_s8, groups and dilation_w being 1. table: out_c rows of high_word and one more where out_c is odd; w: a word
 * for a block of two channels; scratch: k_h rows of `row` words, the weights of two channels, and a row of input that is padding. An odd
 * last row of output is its own partner. */
static inline void conv2d_packed_s8_nibbles(const conv2d_packed_s8_nibbles_params *p, const int8_t *x, const int32_t *table, const uint32_t *w,
                                            int8_t *y, uint8_t *scratch) __attribute__((always_inline));
static inline void conv2d_packed_s8_nibbles(const conv2d_packed_s8_nibbles_params *p, const int8_t *x, const int32_t *table, const uint32_t *w,
                                            int8_t *y, uint8_t *scratch)
{
    const window_params *g = &p->window;
    const int32_t words = g->k_h * p->blocks * p->loops;
    uint32_t *taps = (uint32_t *)(void *)scratch + g->k_h * p->row;
    int8_t *padding = (int8_t *)(taps + 4 * words);
    memset(padding, p->x_zero, (size_t)(g->in_w * g->in_c));
    for (int32_t first = 0; first < g->out_h; first += 2) {
        const int32_t second = first + 1 < g->out_h ? first + 1 : first;
        conv_pairs_windows(p, x, padding, first, second, (int16_t *)(void *)scratch);
        for (int32_t o = 0; o < g->out_c; o += 2) {
            const high_word *channel = (const high_word *)(const void *)table + o;
            const uint32_t *at = (const uint32_t *)(const void *)scratch;
            int8_t *a = y + first * g->out_row + o, *b = y + second * g->out_row + o;
            conv_nibbles_unpack(w + o / 2 * words, words, p->doubled, taps);
            for (int32_t column = 0; column < g->out_w; column++, a += g->out_pixel, b += g->out_pixel, at += g->stride_w * p->pixel) {
                const uint32_t *from = taps;
                const conv_pairs_sums sums = conv_pairs_products(p, at, &from, channel[0].bias, channel[1].bias);
                conv_pairs_store(&channel[0], p->doubled, p->lo, p->hi, sums.a0, sums.b0, a, b);
                if (g->out_c % 2 == 0 || o + 1 < g->out_c) {
                    conv_pairs_store(&channel[1], p->doubled, p->lo, p->hi, sums.a1, sums.b1, a + 1, b + 1);
                }
            }
        }
    }
}

#endif
