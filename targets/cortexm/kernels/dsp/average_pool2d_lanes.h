/* average_pool2d: average pooling of NHWC tensors, four channels at a time in halves of 16 bits.
 * The definition is compiler/ops/average_pool2d.py. */
#ifndef TAPEOUT_AVERAGE_POOL2D_LANES_H
#define TAPEOUT_AVERAGE_POOL2D_LANES_H

#include "average_pool2d.h"
#include "lanes.h"

typedef average_pool2d_s8_params average_pool2d_s8_lanes_params;

/* The sums of a window over four channels, the first at x. */
static inline lanes average_pool2d_lanes_sum(const window_params *g, const window *at, const int8_t *x)
{
    lanes sums = {0, 0};
    for (int32_t i = at->rows.first; i < at->rows.last; i++) {
        const int8_t *tap = x + at->origin + i * g->dilation_h * g->in_row + at->columns.first * g->dilation_w * g->in_pixel;
        for (int32_t left = at->columns.last - at->columns.first; left > 0; left--) {
            lanes_add(&sums, lanes_load(tap));
            tap += g->dilation_w * g->in_pixel;
        }
    }
    return sums;
}

/* The code of a sum and what padding adds to it. */
static inline int8_t average_pool2d_lanes_code(const average_pool2d_s8_params *p, int32_t sum, int32_t padding, int32_t count)
{
    return (int8_t)clamp(divide(sum + padding, count, p->rounding), p->lo, p->hi);
}

/* The means of a window, of in_c channels. */
static inline void average_pool2d_lanes_window(const average_pool2d_s8_params *p, const window *at, const int8_t *x, int8_t *y)
{
    const window_params *g = &p->window;
    const int32_t inside = (at->rows.last - at->rows.first) * (at->columns.last - at->columns.first);
    const int32_t count = p->count_include_pad ? g->k_h * g->k_w : inside;
    const int32_t padding = (count - inside) * p->x_zero;
    const int32_t fours = g->in_c & ~3;
    for (int32_t channel = 0; channel < fours; channel += 4) {
        const lanes sums = average_pool2d_lanes_sum(g, at, x + channel);
        y[channel] = average_pool2d_lanes_code(p, low_half(sums.even), padding, count);
        y[channel + 1] = average_pool2d_lanes_code(p, low_half(sums.odd), padding, count);
        y[channel + 2] = average_pool2d_lanes_code(p, high_half(sums.even), padding, count);
        y[channel + 3] = average_pool2d_lanes_code(p, high_half(sums.odd), padding, count);
    }
    for (int32_t channel = fours; channel < g->in_c; channel++) {
        int32_t sum = 0;
        for (int32_t i = at->rows.first; i < at->rows.last; i++) {
            for (int32_t j = at->columns.first; j < at->columns.last; j++) {
                sum += x[at->origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + channel];
            }
        }
        y[channel] = average_pool2d_lanes_code(p, sum, padding, count);
    }
}

/* x batches x in_h x in_w x in_c, y batches x out_h x out_w x in_c */
static inline void average_pool2d_s8_lanes(const average_pool2d_s8_lanes_params *p, const int8_t *x, int8_t *y)
{
    const window_params *g = &p->window;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            average_pool2d_lanes_window(p, &at, x, y + row * g->out_row + column * g->out_pixel);
        }
    }
}

#endif
