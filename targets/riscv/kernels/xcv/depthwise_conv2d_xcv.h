/* depthwise_conv2d of codes of 8 bits with kernels of 3 x 3 taps by products of four bytes: two channels at a time, a column of three codes of
 * each is one word, which serves all windows that it is in while these pass along a row. The definition is
 * compiler/ops/depthwise_conv2d.py; depthwise_conv2d_xcv.py says what is packed. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_XCV_H
#define TAPEOUT_DEPTHWISE_CONV2D_XCV_H

#include "codes.h"
#include "window.h"

typedef struct {
    window_params window;
    channel_codes codes;
    int32_t x_zero;
} depthwise_conv2d_s8_xcv_params;

enum { DEPTHWISE_TAPS = 3 }; /* words that a channel's numbers follow: its taps by columns, each with a fourth of 0 */

/* A column of two channels, a and b. The fourth byte is any. */
typedef struct {
    uint32_t a, b;
} depthwise_xcv_column;

/* Two codes that lie side by side. */
static inline uint32_t depthwise_xcv_two(const int8_t *from)
{
    uint16_t half;
    memcpy(&half, from, 2);
    return half;
}

/* The column at byte `at` of three rows. */
static inline depthwise_xcv_column depthwise_xcv_load(const int8_t *const rows[3], int32_t at) __attribute__((always_inline));
static inline depthwise_xcv_column depthwise_xcv_load(const int8_t *const rows[3], int32_t at)
{
    const uint32_t above = xcv_pack(depthwise_xcv_two(rows[1] + at), depthwise_xcv_two(rows[0] + at));
    const uint32_t below = depthwise_xcv_two(rows[2] + at);
    return (depthwise_xcv_column){xcv_shuffle(above, below, 0x00040200u), xcv_shuffle(above, below, 0x00050301u)};
}

/* The column of that number, or padding. */
static inline depthwise_xcv_column depthwise_xcv_at(const window_params *g, const int8_t *const rows[3], int32_t column,
                                                    depthwise_xcv_column padding) __attribute__((always_inline));
static inline depthwise_xcv_column depthwise_xcv_at(const window_params *g, const int8_t *const rows[3], int32_t column,
                                                    depthwise_xcv_column padding)
{
    return (uint32_t)column < (uint32_t)g->in_w ? depthwise_xcv_load(rows, column * g->in_pixel) : padding;
}

/* Channels c and c + 1, the first at byte 0 of the rows, of a row of output at y; `padding` is a column of it. */
static inline void depthwise_xcv_row(const depthwise_conv2d_s8_xcv_params *p, const int8_t *const rows[3], const int32_t *c,
                                     depthwise_xcv_column padding, int8_t *y) __attribute__((always_inline));
static inline void depthwise_xcv_row(const depthwise_conv2d_s8_xcv_params *p, const int8_t *const rows[3], const int32_t *c,
                                     depthwise_xcv_column padding, int8_t *y)
{
    const window_params *g = &p->window;
    const int32_t *first = c + DEPTHWISE_TAPS, *second = first + p->codes.numbers + DEPTHWISE_TAPS;
    const uint32_t a0 = (uint32_t)first[-3], a1 = (uint32_t)first[-2], a2 = (uint32_t)first[-1];
    const uint32_t b0 = (uint32_t)second[-3], b1 = (uint32_t)second[-2], b2 = (uint32_t)second[-1];
    depthwise_xcv_column k0 = padding, k1 = padding, k2 = padding;
    int32_t column = -g->pad_left;
    for (int32_t i = 3 - g->stride_w; i > 0; i--, column++) { /* what the first window has of those before it */
        k1 = k2;
        k2 = depthwise_xcv_at(g, rows, column, padding);
    }
    for (const int8_t *end = y + g->out_w * g->out_pixel; y < end; y += g->out_pixel) {
        for (int32_t i = g->stride_w; i > 0; i--, column++) {
            k0 = k1;
            k1 = k2;
            k2 = depthwise_xcv_at(g, rows, column, padding);
        }
        const int32_t a = xcv_dot4(xcv_dot4(xcv_dot4(first[START], k0.a, a0), k1.a, a1), k2.a, a2);
        const int32_t b = xcv_dot4(xcv_dot4(xcv_dot4(second[START], k0.b, b0), k1.b, b1), k2.b, b2);
        y[0] = code_of_word(channel_code(first, &p->codes, a));
        y[1] = code_of_word(channel_code(second, &p->codes, b));
    }
}

/* x batches x in_h x in_w x out_c, table and taps of each channel, y batches x out_h x out_w x out_c; scratch a row of padding, or NULL where
 * there is none. Of an odd number of channels the last pair takes the one before again. */
static inline void depthwise_conv2d_s8_xcv(const depthwise_conv2d_s8_xcv_params *p, const int8_t *x, const int32_t *table, int8_t *y,
                                           void *scratch) __attribute__((always_inline));
static inline void depthwise_conv2d_s8_xcv(const depthwise_conv2d_s8_xcv_params *p, const int8_t *x, const int32_t *table, int8_t *y,
                                           void *scratch)
{
    const window_params *g = &p->window;
    const uint32_t zero = ((uint32_t)p->x_zero & 0xffu) * 0x01010101u;
    const int32_t apart = DEPTHWISE_TAPS + p->codes.numbers;
    if (scratch) {
        memset(scratch, p->x_zero, (size_t)(g->in_w * g->in_pixel));
    }
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        const int32_t top = row % g->out_h * g->stride_h - g->pad_top;
        const int8_t *rows[3];
        for (int32_t i = 0; i < 3; i++) {
            const int32_t in = top + i * g->dilation_h;
            rows[i] = in >= 0 && in < g->in_h ? x + (row / g->out_h * g->in_h + in) * g->in_row : (const int8_t *)scratch;
        }
        for (int32_t c = 0; c < g->out_c; c += 2) {
            const int32_t at = c + 1 < g->out_c ? c : c - 1;
            const int8_t *const of[3] = {rows[0] + at, rows[1] + at, rows[2] + at};
            depthwise_xcv_row(p, of, table + at * apart, (depthwise_xcv_column){zero, zero}, y + row * g->out_row + at);
        }
    }
}

#endif
