/* max_pool2d_gradient: the gradient of the input of max_pool2d. Portable. The definition is compiler/ops/max_pool2d_gradient.py. */
#ifndef TAPEOUT_MAX_POOL2D_GRADIENT_H
#define TAPEOUT_MAX_POOL2D_GRADIENT_H

#include "f16.h"
#include "window.h"
#include <math.h>

typedef struct {
    window_params window; /* of max_pool2d: x is its input, g has the shape of its output */
} max_pool2d_gradient_f32_params;

/* The element that wins a window in the channel c; -1 when none does. */
static inline int32_t window_winner(const window_params *w, const window *at, float_format format, const void *x, int32_t c)
{
    float largest = -INFINITY;
    int32_t winner = -1;
    for (int32_t i = at->rows.first; i < at->rows.last; i++) {
        for (int32_t j = at->columns.first; j < at->columns.last; j++) {
            const int32_t in = at->origin + i * w->dilation_h * w->in_row + j * w->dilation_w * w->in_pixel + c;
            const float element = load_float(x, in, format);
            if (element > largest) {
                largest = element;
                winner = in;
            }
        }
    }
    return winner;
}

/* The sum of one element of dx, over the windows that it wins: the last taps first. */
static inline float max_pool2d_gradient_sum(const window_params *w, float_format format, const void *x, const void *g, int32_t element)
{
    const int32_t row = element / w->in_row;
    const int32_t column = element % w->in_row / w->in_pixel;
    const int32_t c = element % w->in_pixel;
    float sum = 0.0f;
    for (int32_t tap = w->k_h * w->k_w - 1; tap >= 0; tap--) {
        const int32_t i = window_with_tap(row % w->in_h, tap / w->k_w, w->stride_h, w->dilation_h, w->pad_top, w->out_h);
        const int32_t j = window_with_tap(column, tap % w->k_w, w->stride_w, w->dilation_w, w->pad_left, w->out_w);
        if (i < 0 || j < 0) {
            continue;
        }
        const int32_t from = row / w->in_h * w->out_h + i;
        const window at = window_at(w, from, j);
        if (window_winner(w, &at, format, x, c) == element) {
            sum += load_float(g, from * w->out_row + j * w->out_pixel + c, format);
        }
    }
    return sum;
}

/* Adds the g of each window to the element that wins it. */
static inline void add_to_winners(const window_params *w, float_format format, const void *x, const void *g, void *dx)
{
    for (int32_t row = 0; row < w->batches * w->out_h; row++) {
        for (int32_t column = 0; column < w->out_w; column++) {
            const window at = window_at(w, row, column);
            for (int32_t c = 0; c < w->in_c; c++) {
                const int32_t winner = window_winner(w, &at, format, x, c);
                if (winner >= 0) {
                    const float share = load_float(g, row * w->out_row + column * w->out_pixel + c, format);
                    store_float(dx, winner, format, load_float(dx, winner, format) + share);
                }
            }
        }
    }
}

/* x and dx batches x in_h x in_w x in_c, g batches x out_h x out_w x in_c. Each sum runs from +0 over the windows. Sums of several g in 16
 * bits are those of one element at a time, as they are rounded once in the end. */
static inline void max_pool2d_gradient_floats(const max_pool2d_gradient_f32_params *p, float_format format, const void *x, const void *g,
                                              void *dx)
{
    const window_params *w = &p->window;
    const int32_t by_windows = format == FORMAT_F32 || windows_apart(w);
    for (int32_t i = 0; i < w->batches * w->in_h * w->in_row; i++) {
        store_float(dx, i, format, by_windows ? 0.0f : max_pool2d_gradient_sum(w, format, x, g, i));
    }
    if (by_windows) {
        add_to_winners(w, format, x, g, dx);
    }
}

typedef max_pool2d_gradient_f32_params max_pool2d_gradient_f16_params;
typedef max_pool2d_gradient_f32_params max_pool2d_gradient_bf16_params;

static inline void max_pool2d_gradient_f32(const max_pool2d_gradient_f32_params *p, const float *x, const float *g, float *dx)
{
    max_pool2d_gradient_floats(p, FORMAT_F32, x, g, dx);
}

static inline void max_pool2d_gradient_f16(const max_pool2d_gradient_f16_params *p, const uint16_t *x, const uint16_t *g, uint16_t *dx)
{
    max_pool2d_gradient_floats(p, FORMAT_F16, x, g, dx);
}

static inline void max_pool2d_gradient_bf16(const max_pool2d_gradient_bf16_params *p, const uint16_t *x, const uint16_t *g, uint16_t *dx)
{
    max_pool2d_gradient_floats(p, FORMAT_BF16, x, g, dx);
}

#endif
