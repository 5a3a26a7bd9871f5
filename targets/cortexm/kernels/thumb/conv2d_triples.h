/* conv2d: convolution for cores without the DSP extension, three sums by two multiplications. The window of an output pixel is widened to
 * words in scratch memory, then all its channels are computed from there; see triples.h. One function serves all layers.
 * The definition is compiler/ops/conv2d.py; conv2d_triples.py says what is packed. */
#ifndef TAPEOUT_CONV2D_TRIPLES_H
#define TAPEOUT_CONV2D_TRIPLES_H

#include "triples.h"
#include "window.h"
#include <stddef.h>

typedef struct {
    window_params window;
    int32_t x_zero;
    triples_params sums;
} conv2d_s8_triples_params;

/* A row of the window that begins at column `left` of `row`, NULL for a row of padding; returns the end of its words. */
static __attribute__((noinline, unused)) int32_t *conv_triples_row(const conv2d_s8_triples_params *p, const int8_t *row, int32_t left, int32_t *to)
{
    const window_params *g = &p->window;
    const int32_t from = left > 0 ? left : 0;
    const int32_t inside = (left + g->k_w < g->in_w ? left + g->k_w : g->in_w) - from;
    if (!row || inside <= 0) {
        return triples_fill(p->x_zero, g->k_w * g->in_c, to);
    }
    to = triples_fill(p->x_zero, (from - left) * g->in_c, to);
    to = triples_widen(row + from * g->in_pixel, inside * g->in_c, to);
    return triples_fill(p->x_zero, (left + g->k_w - from - inside) * g->in_c, to);
}

/* The window whose first tap is at (top, left) of an image. */
static __attribute__((noinline, unused)) void conv_triples_window(const conv2d_s8_triples_params *p, const int8_t *image, int32_t top, int32_t left,
                                                                  int32_t *to)
{
    const window_params *g = &p->window;
    for (int32_t i = 0; i < g->k_h; i++, top += g->dilation_h) {
        to = conv_triples_row(p, top >= 0 && top < g->in_h ? image + top * g->in_row : NULL, left, to);
    }
}

#define CONV_TRIPLES_LAYER(way)                                                                                                         \
    static __attribute__((noinline, unused)) void conv_triples_##way(const conv2d_s8_triples_params *p, const int8_t *x,                \
                                                                     const uint32_t *stream, int8_t *y, int32_t *inputs)                \
    {                                                                                                                                   \
        const window_params *g = &p->window;                                                                                            \
        triples_clear(&p->sums, inputs);                                                                                                \
        for (int32_t batch = 0; batch < g->batches; batch++, x += g->in_h * g->in_row) {                                                \
            for (int32_t row = 0; row < g->out_h; row++, y += g->out_row) {                                                             \
                int8_t *to = y;                                                                                                         \
                for (int32_t column = 0; column < g->out_w; column++, to += g->out_pixel) {                                             \
                    conv_triples_window(p, x, row * g->stride_h - g->pad_top, column * g->stride_w - g->pad_left, inputs);              \
                    TRIPLES_OUTPUTS(way, &p->sums, inputs, stream, to)                                                                  \
                }                                                                                                                       \
            }                                                                                                                           \
        }                                                                                                                               \
    }
TRIPLES_LAYERS(CONV_TRIPLES_LAYER)

/* x and y as in conv2d_s8, groups and dilation_w being 1; the stream is that of triples.h, scratch the words of a window, in loops. */
static inline void conv2d_s8_triples(const conv2d_s8_triples_params *p, const int8_t *x, const uint32_t *stream, int8_t *y, uint8_t *scratch)
{
    TRIPLES_CHOICE(&p->sums, conv_triples)(p, x, stream, y, (int32_t *)(void *)scratch);
}

#endif
