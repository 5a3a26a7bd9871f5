/* Convolutions by sums of words: the window of an output pixel is widened to words in scratch memory, then all its channels are computed from
 * there; see word_sums.h. One function serves all layers of a kind. The definition is compiler/ops/conv2d.py; conv_windows.py says what is packed. */
#ifndef TAPEOUT_CONV_WINDOWS_H
#define TAPEOUT_CONV_WINDOWS_H

#include "window.h"
#include "word_sums.h"
#include <stddef.h>

typedef struct {
    window_params window;
    int32_t x_zero;
    sums_params sums;
} conv_windows_params;

/* A row of the window that begins at column `left` of `row`, NULL for a row of padding; returns the end of its words. */
static __attribute__((noinline, unused)) int32_t *conv_windows_row(const conv_windows_params *p, const int8_t *row, int32_t left, int32_t *to)
{
    const window_params *g = &p->window;
    const int32_t from = left > 0 ? left : 0;
    const int32_t inside = (left + g->k_w < g->in_w ? left + g->k_w : g->in_w) - from;
    if (!row || inside <= 0) {
        return sums_fill(p->x_zero, g->k_w * g->in_c, to);
    }
    to = sums_fill(p->x_zero, (from - left) * g->in_c, to);
    to = sums_widen(row + from * g->in_pixel, inside * g->in_c, to);
    return sums_fill(p->x_zero, (left + g->k_w - from - inside) * g->in_c, to);
}

/* The window whose first tap is at (top, left) of an image. */
static __attribute__((noinline, unused)) void conv_windows_one(const conv_windows_params *p, const int8_t *image, int32_t top, int32_t left,
                                                                  int32_t *to)
{
    const window_params *g = &p->window;
    for (int32_t i = 0; i < g->k_h; i++, top += g->dilation_h) {
        to = conv_windows_row(p, top >= 0 && top < g->in_h ? image + top * g->in_row : NULL, left, to);
    }
}

/* All windows; `compute` computes the channels of one. x and y are as in conv2d_s8, groups and dilation_w being 1. */
#define CONV_WINDOWS(name, compute)                                                                                                     \
    static __attribute__((noinline, unused)) void name(const conv_windows_params *p, const int8_t *x, const uint32_t *stream, int8_t *y,\
                                                       int32_t *inputs)                                                                 \
    {                                                                                                                                   \
        const window_params *g = &p->window;                                                                                            \
        sums_clear(&p->sums, inputs);                                                                                                   \
        for (int32_t batch = 0; batch < g->batches; batch++, x += g->in_h * g->in_row) {                                                \
            for (int32_t row = 0; row < g->out_h; row++, y += g->out_row) {                                                             \
                int8_t *to = y;                                                                                                         \
                for (int32_t column = 0; column < g->out_w; column++, to += g->out_pixel) {                                             \
                    conv_windows_one(p, x, row * g->stride_h - g->pad_top, column * g->stride_w - g->pad_left, inputs);                 \
                    compute(&p->sums, inputs, stream, to);                                                                              \
                }                                                                                                                       \
            }                                                                                                                           \
        }                                                                                                                               \
    }

#endif
