/* depthwise_conv2d by pairs of rows, for weights of 4 bits: those of four channels at a time become the table of depthwise_conv2d_pairs.h, in
 * scratch. depthwise_conv2d_nibbles.py says what is packed. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_NIBBLES_H
#define TAPEOUT_DEPTHWISE_CONV2D_NIBBLES_H

#include "depthwise_conv2d_pairs.h"

typedef depthwise_conv2d_pairs_s8_params depthwise_conv2d_packed_s8_nibbles_params;

#define DEPTHWISE_NIBBLES_BYTES 5 /* of a channel: nine weights, 8 too large, and the power of two by which they are multiplied */

/* The table of a channel of its weights and of where its sums begin, its multiplier and what is added. */
static inline void depthwise_nibbles_unpack(const uint8_t *taps, const int32_t *others, int32_t *table)
{
    uint32_t w[9];
    for (int32_t i = 0; i < 9; i++) {
        w[i] = ((uint32_t)taps[i / 2] >> 4 * (i % 2) & 15u) - 8u;
        w[i] <<= taps[4] >> 4;
    }
    for (int32_t i = 0; i < 6; i++) {
        table[i] = (int32_t)((w[i] & 0xffffu) | w[i + 3] << 16);
    }
    memcpy(table + 6, others, 3 * sizeof *table);
}

static inline __attribute__((always_inline)) void depthwise_conv2d_packed_s8_nibbles(const depthwise_conv2d_packed_s8_nibbles_params *p,
                                                                                     const int8_t *x, const uint8_t *taps,
                                                                                     const int32_t *others, int8_t *y, void *scratch);

/* x batches x in_h x in_w x in_c, taps in_c x 5, others in_c x 3, y batches x out_h x out_w x in_c,
 * scratch ((out_w - 1) * stride_w + 3) * PAIRS_COLUMN bytes, then the table of four channels. */
static inline void depthwise_conv2d_packed_s8_nibbles(const depthwise_conv2d_packed_s8_nibbles_params *p, const int8_t *x, const uint8_t *taps,
                                                      const int32_t *others, int8_t *y, void *scratch)
{
    const window_params *g = &p->window;
    int32_t *const table = (int32_t *)scratch + pairs_columns(g) * (PAIRS_COLUMN / 4);
    pairs_clear(g, p->x_zero, scratch);
    for (int32_t done = 0; done < g->in_c; done += PAIRS_GROUP) {
        const int32_t first = first_of_four(g->in_c, done);
        for (int32_t i = done; i < done + PAIRS_GROUP && i < g->in_c; i++) {
            depthwise_nibbles_unpack(taps + DEPTHWISE_NIBBLES_BYTES * i, others + 3 * i, table + PAIRS_WORDS * (i - done));
        }
        for (int32_t batch = 0; batch < g->batches; batch++) {
            pairs_group(p, x + batch * g->in_h * g->in_row + first, table, done - first, y + batch * g->out_h * g->out_row + first, scratch);
        }
    }
}

#endif
