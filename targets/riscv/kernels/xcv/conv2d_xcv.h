/* conv2d of codes of 8 bits by products of four bytes: two windows are copied side by side to scratch, with the padding, then all channels
 * of both are summed, four at a time. The definition is compiler/ops/conv2d.py; conv2d_xcv.py says what is packed. */
#ifndef TAPEOUT_CONV2D_XCV_H
#define TAPEOUT_CONV2D_XCV_H

#include "channels.h"
#include "window.h"

typedef struct {
    window_params window;
    channel_window reading; /* how a window lies in scratch */
    channel_codes codes;
    int32_t x_zero;
} conv2d_s8_xcv_params;

/* `count` bytes of one value; returns where they end. */
static inline int8_t *xcv_fill(int8_t *to, int32_t value, int32_t count)
{
    const uint32_t word = ((uint32_t)value & 0xffu) * 0x01010101u;
    for (; count >= 4; count -= 4, to += 4) {
        memcpy(to, &word, 4);
    }
    if (count & 2) {
        memcpy(to, &word, 2);
        to += 2;
    }
    if (count & 1) {
        *to++ = (int8_t)value;
    }
    return to;
}

/* `count` bytes; returns where they end. */
static inline int8_t *xcv_copy(int8_t *to, const int8_t *from, int32_t count)
{
    const int32_t eights = count / 8;
#if defined(XCV_ASSEMBLY)
    uint32_t first, second;
    if (eights > 0) {
        __asm volatile(XCV_LOOP("%[eights]", "4")
                       "cv.lw %[first], (%[from]), 4\n"
                       "cv.lw %[second], (%[from]), 4\n"
                       "cv.sw %[first], (%[to]), 4\n"
                       "cv.sw %[second], (%[to]), 4\n"
                       XCV_LOOP_END
                       : [to] "+r"(to), [from] "+r"(from), [first] "=&r"(first), [second] "=&r"(second)
                       : [eights] "r"(eights)
                       : "memory");
    }
#else
    memcpy(to, from, (size_t)(8 * eights));
    to += 8 * eights;
    from += 8 * eights;
#endif
    if (count & 4) {
        memcpy(to, from, 4);
        to += 4;
        from += 4;
    }
    if (count & 2) {
        memcpy(to, from, 2);
        to += 2;
        from += 2;
    }
    if (count & 1) {
        *to++ = *from;
    }
    return to;
}

/* The window of the output pixel at `row`, counted over all batches, and `column`. */
static inline void conv2d_xcv_window(const conv2d_s8_xcv_params *p, const int8_t *x, int32_t row, int32_t column, int8_t *to)
{
    const window_params *g = &p->window;
    const int32_t top = row % g->out_h * g->stride_h - g->pad_top;
    const int32_t left = column * g->stride_w - g->pad_left;
    const int32_t end = left + g->k_w < g->in_w ? left + g->k_w : g->in_w;
    const int32_t first = left < 0 ? 0 : left;
    const int32_t length = end > first ? (end - first) * g->in_c : 0;
    const int32_t before = length > 0 ? (first - left) * g->in_c : 0;
    const int8_t *image = x + row / g->out_h * g->in_h * g->in_row + first * g->in_c;
    for (int32_t i = 0; i < g->k_h; i++) {
        const int32_t in = top + i * g->dilation_h;
        if (in < 0 || in >= g->in_h) {
            to = xcv_fill(to, p->x_zero, g->k_w * g->in_c);
            continue;
        }
        if (length < g->k_w * g->in_c) {
            to = xcv_fill(to, p->x_zero, before);
            to = xcv_copy(to, image + in * g->in_row, length);
            to = xcv_fill(to, p->x_zero, g->k_w * g->in_c - before - length);
        } else {
            to = xcv_copy(to, image + in * g->in_row, g->k_w * g->in_c);
        }
    }
}

/* x batches x in_h x in_w x in_c, a table entry per channel and some that are not there, weights as words of four channels; y batches x out_h
 * x out_w x out_c; scratch two windows */
static inline void conv2d_s8_xcv(const conv2d_s8_xcv_params *p, const int8_t *x, const int32_t *table, const uint32_t *w, int8_t *y,
                                 void *scratch) __attribute__((always_inline));
static inline void conv2d_s8_xcv(const conv2d_s8_xcv_params *p, const int8_t *x, const int32_t *table, const uint32_t *w, int8_t *y,
                                 void *scratch)
{
    const window_params *g = &p->window;
    const channel *channels = (const channel *)(const void *)table;
    int8_t *a = scratch, *b = a + 4 * p->reading.words;
    (void)xcv_fill(a, p->x_zero, 8 * p->reading.words);
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        int8_t *to = y + row * g->out_row;
        for (int32_t column = 0; column < g->out_w; column += 2, to += 2 * g->out_pixel) {
            conv2d_xcv_window(p, x, row, column, a);
            if (column + 1 < g->out_w) {
                conv2d_xcv_window(p, x, row, column + 1, b);
                channels_two(&p->reading, &p->codes, a, b, channels, w, g->out_c, to, to + g->out_pixel);
            } else {
                channels_one(&p->reading, &p->codes, a, channels, w, g->out_c, to);
            }
        }
    }
}

#endif
