/* conv2d_packed: two-dimensional convolution by packed weights, or of packed bipolar codes, with groups.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/conv2d.py. */
#ifndef TAPEOUT_CONV2D_PACKED_H
#define TAPEOUT_CONV2D_PACKED_H

#include "packed.h"
#include "stage.h"
#include "window.h"
#include <stddef.h>

typedef struct {
    window_params window; /* strides of packed tensors count bytes */
    int32_t groups;
    int32_t x_zero;
    packed_params weights;
    stage_params stage;
} conv2d_packed_params;

typedef conv2d_packed_params conv2d_packed_s8_params;
typedef conv2d_packed_params conv2d_packed_s16_params;
typedef conv2d_packed_params conv2d_b1_params;

/* The sum over the taps at a window of `count` codes each, those of output `o` from `from` on; `group` is where its channels begin in
 * a pixel of x. */
static inline int64_t conv2d_packed_sum(const conv2d_packed_params *p, held how, window at, const void *x, int32_t group, int32_t zero,
                                        const uint8_t *w, int32_t o, int32_t from, int32_t count)
{
    const window_params *g = &p->window;
    const int32_t inputs = g->in_c / p->groups;
    const int32_t w_row = packed_bytes(p->weights.bits, inputs);
    const int32_t dense = p->groups == 1 && g->in_pixel == (how == HELD_B1 ? packed_bytes(1, inputs) : inputs);
    const int32_t together = g->dilation_w == 1 && dense && p->weights.blocks == 1 && inputs * p->weights.bits % 8 == 0;
    const int32_t step = together ? at.columns.last - at.columns.first : 1; /* the taps of a row lie side by side in x and w */
    int64_t sum = 0;
    for (int32_t i = at.rows.first; i < at.rows.last; i++) {
        for (int32_t j = at.columns.first; j < at.columns.last; j += step) {
            const int32_t pixel = at.origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel;
            const uint8_t *tap = w + ((o * g->k_h + i) * g->k_w + j) * w_row;
            sum += dot_packed(&p->weights, how, x, pixel + group + from, zero, tap, from, step * count);
        }
    }
    return sum;
}

/* x batches x in_h x in_w x in_c, w out_c x k_h x k_w x in_c / groups, packed, b out_c in 32 or 64 bits or NULL,
 * y batches x out_h x out_w x out_c;
 * first and second are the tables of the stage, x_zero a zero point that is computed or NULL.
 * With blocks and without stage y has an axis of blocks behind out_c. Taps outside of x add nothing. */
static inline void conv2d_packed(const conv2d_packed_params *p, held how, const void *x, const uint8_t *w, const void *b, const void *first,
                                 const void *second, const int32_t *x_zero, void *y)
{
    const window_params *g = &p->window;
    const int32_t zero = x_zero ? *x_zero : p->x_zero;
    const int32_t inputs = g->in_c / p->groups;
    const int32_t outputs = g->out_c / p->groups;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window from = window_at(g, row, column);
            const int32_t at = row * g->out_row + column * g->out_pixel;
            for (int32_t o = 0; o < g->out_c; o++) {
                const int32_t group = o / outputs * (how == HELD_B1 ? inputs / 8 : inputs);
                int64_t total = 0;
                for (int32_t block = 0; block < p->weights.blocks; block++) {
                    const int32_t count = packed_block(&p->weights, inputs, block);
                    const int64_t sum = stage_bias(&p->stage, b, o, block)
                                        + conv2d_packed_sum(p, how, from, x, group, zero, w, o, block * p->weights.block, count);
                    if (p->stage.raw) {
                        stage_put(&p->stage, y, (at + o) * p->weights.blocks, block, sum);
                    }
                    total += stage_block(&p->stage, first, o, block, sum);
                }
                if (!p->stage.raw) {
                    stage_put(&p->stage, y, at, o, stage_code(&p->stage, first, second, o, total));
                }
            }
        }
    }
}

static inline void conv2d_packed_s8(const conv2d_packed_params *p, const int8_t *x, const void *w, const void *b, const void *first,
                                    const void *second, const int32_t *x_zero, void *y)
{
    conv2d_packed(p, HELD_S8, x, (const uint8_t *)w, b, first, second, x_zero, y);
}

static inline void conv2d_packed_s16(const conv2d_packed_params *p, const int16_t *x, const void *w, const void *b, const void *first,
                                     const void *second, const int32_t *x_zero, void *y)
{
    conv2d_packed(p, HELD_S16, x, (const uint8_t *)w, b, first, second, x_zero, y);
}

/* x and w hold bipolar codes: exclusive or and the number of ones; in_c / groups is a multiple of 8 if there are groups. */
static inline void conv2d_b1(const conv2d_packed_params *p, const uint8_t *x, const uint8_t *w, const void *b, const void *first,
                             const void *second, void *y)
{
    conv2d_packed(p, HELD_B1, x, w, b, first, second, NULL, y);
}

#endif
