/* max_pool2d: maximum pooling of NHWC tensors, four channels at a time. The definition is compiler/ops/max_pool2d.py. */
#ifndef TAPEOUT_MAX_POOL2D_LANES_H
#define TAPEOUT_MAX_POOL2D_LANES_H

#include "lanes.h"
#include "max_pool2d.h"

typedef max_pool2d_s8_params max_pool2d_s8_lanes_params;

/* The largest codes of a window in four channels, the first at x, clipped. */
static inline uint32_t max_pool2d_lanes_largest(const max_pool2d_s8_params *p, const window *at, const int8_t *x)
{
    const window_params *g = &p->window;
    uint32_t largest = lanes_of(p->lo);
    for (int32_t i = at->rows.first; i < at->rows.last; i++) {
        const int8_t *tap = x + at->origin + i * g->dilation_h * g->in_row + at->columns.first * g->dilation_w * g->in_pixel;
        for (int32_t left = at->columns.last - at->columns.first; left > 0; left--) {
            largest = lanes_max(largest, lanes_load(tap));
            tap += g->dilation_w * g->in_pixel;
        }
    }
    return p->hi < 127 ? lanes_min(largest, lanes_of(p->hi)) : largest;
}

/* The maxima of a window, of in_c channels. */
static inline void max_pool2d_lanes_window(const max_pool2d_s8_params *p, const window *at, const int8_t *x, int8_t *y)
{
    const window_params *g = &p->window;
    const int32_t fours = g->in_c & ~3;
    for (int32_t channel = 0; channel < fours; channel += 4) {
        const uint32_t codes = max_pool2d_lanes_largest(p, at, x + channel);
        memcpy(y + channel, &codes, 4);
    }
    for (int32_t channel = fours; channel < g->in_c; channel++) {
        int32_t largest = INT8_MIN;
        for (int32_t i = at->rows.first; i < at->rows.last; i++) {
            for (int32_t j = at->columns.first; j < at->columns.last; j++) {
                const int32_t code = x[at->origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + channel];
                largest = code > largest ? code : largest;
            }
        }
        y[channel] = (int8_t)clamp(largest, p->lo, p->hi);
    }
}

/* x batches x in_h x in_w x in_c, y batches x out_h x out_w x in_c */
static inline void max_pool2d_s8_lanes(const max_pool2d_s8_lanes_params *p, const int8_t *x, int8_t *y)
{
    const window_params *g = &p->window;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            max_pool2d_lanes_window(p, &at, x, y + row * g->out_row + column * g->out_pixel);
        }
    }
}

#endif
