/* What the depthwise convolutions of f16 on Helium share, whatever their sums are: eight channels of some pixels that lie side by side, or
 * below one another. Pixels whose windows meet the padding at the ends of such a line are computed one by one, as taps in the
 * padding are no steps of a sum. */
#ifndef TAPEOUT_HELIUM_F16_DEPTHWISE_H
#define TAPEOUT_HELIUM_F16_DEPTHWISE_H

#include "lines.h"
#include <stddef.h>

/* What the assembly reads by r1. Windows are `rows` of `columns` taps; fewer pixels are some twice. */
typedef struct {
    const uint16_t *x[4];
    const uint16_t *w;
    int32_t columns, rows;
    int32_t x_next, x_row; /* bytes from a tap to the next, and from behind the last of a row to the first of the next */
    int32_t w_next, w_row;
    const uint8_t *b; /* in the kernel's own form */
    uint16_t *y[4];
    int32_t channels; /* that exist */
} depthwise_f16_block;

/* The vector at a register, which then moves to the next tap. Lanes of channels that do not exist are not read. */
#define DEPTHWISE_F16_LOAD(q, at, next, offset)                                                                                            \
    ".if %c[whole] && %c[" next "] <= 254\n"                                                                                               \
    "vldrh.u16 " q ", [" at "], #%c[" next "]\n"                                                                                           \
    ".elseif %c[whole]\n"                                                                                                                  \
    "vldrh.u16 " q ", [" at "]\n"                                                                                                          \
    "add " at ", " offset "\n"                                                                                                             \
    ".else\n"                                                                                                                              \
    "vpst\n"                                                                                                                               \
    "vldrht.u16 " q ", [" at "]\n"                                                                                                         \
    "add " at ", " offset "\n"                                                                                                             \
    ".endif\n"

/* The first channels of some pixels of a line, of which `together` are computed at once. */
static inline depthwise_f16_block depthwise_f16_at(const window_params *g, const image_lines *lines, const line_place *at, int32_t pixels,
                                                   int32_t together, const uint16_t *x, const uint16_t *w, const void *b, uint16_t *y)
    __attribute__((always_inline));
static inline depthwise_f16_block depthwise_f16_at(const window_params *g, const image_lines *lines, const line_place *at, int32_t pixels,
                                                   int32_t together, const uint16_t *x, const uint16_t *w, const void *b, uint16_t *y)
{
    const window from = window_of(g, lines, at);
    const int32_t columns = from.columns.last - from.columns.first, x_next = 2 * g->dilation_w * g->in_pixel, out = output_of(g, lines, at);
    const uint16_t *in = x + from.origin + from.rows.first * g->dilation_h * g->in_row + from.columns.first * g->dilation_w * g->in_pixel;
    depthwise_f16_block block = {
        {NULL}, w + (from.rows.first * g->k_w + from.columns.first) * g->out_c, columns,
        columns > 0 && from.rows.last > from.rows.first ? from.rows.last - from.rows.first : 0,
        x_next, 2 * g->dilation_h * g->in_row - columns * x_next, 2 * g->out_c, 2 * (g->k_w - columns) * g->out_c, b, {NULL}, g->out_c,
    };
    for (int32_t i = 0; i < together; i++) {
        const int32_t pixel = i < pixels ? i : pixels - 1;
        block.x[i] = in + pixel * lines->in;
        block.y[i] = y + out + pixel * lines->out;
    }
    return block;
}

/* Moves to the next eight channels, whose bias lies `bias` bytes on. */
static inline void depthwise_f16_next(depthwise_f16_block *block, int32_t together, int32_t bias)
{
    block->channels -= 8;
    block->w += 8;
    block->b += bias;
    for (int32_t i = 0; i < together; i++) {
        block->x[i] += 8;
        block->y[i] += 8;
    }
}

#endif
