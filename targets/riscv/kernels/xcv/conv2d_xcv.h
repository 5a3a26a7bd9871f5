/* conv2d of codes of 8 bits by products of four bytes. For each row of outputs the rows of input that it sees are copied to a strip in scratch,
 * with the padding, column by column, so that a window is one run of it. The definition is compiler/ops/conv2d.py; conv2d_xcv.py says
 * what is packed. */
#ifndef TAPEOUT_CONV2D_XCV_H
#define TAPEOUT_CONV2D_XCV_H

#include "channels.h"
#include "window.h"

typedef struct {
    window_params window;
    channel_window reading; /* how a window lies in the strip */
    channel_codes codes;
    int32_t x_zero, strip; /* bytes of the strip; a pixel of padding lies behind it */
} conv2d_s8_xcv_params;

enum { XCV_FEW = 16 }; /* bytes that clang copies in place */

/* `count` bytes. */
static inline void xcv_copy(int8_t *restrict to, const int8_t *restrict from, int32_t count) __attribute__((always_inline));
static inline void xcv_copy(int8_t *restrict to, const int8_t *restrict from, int32_t count)
{
    if (__builtin_constant_p(count) && count <= XCV_FEW) {
        memcpy(to, from, (size_t)count);
        return;
    }
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
        *to = *from;
    }
}

/* Pixels of `count` bytes, `step` bytes from each other, to where they lie `apart`. */
static inline void conv2d_xcv_pixels(int32_t pixels, const int8_t *restrict from, int32_t step, int32_t count, int8_t *restrict to,
                                     int32_t apart) __attribute__((always_inline));
static inline void conv2d_xcv_pixels(int32_t pixels, const int8_t *restrict from, int32_t step, int32_t count, int8_t *restrict to,
                                     int32_t apart)
{
#if defined(XCV_ASSEMBLY)
    if (count == 3 && pixels > 0) { /* as images have in most networks */
        uint32_t two, one;
        __asm volatile(XCV_LOOP("%[pixels]", "4")
                       "cv.lhu %[two], (%[from]), 2\n"
                       "cv.lbu %[one], (%[from]), %[step]\n"
                       "cv.sh %[two], (%[to]), 2\n"
                       "cv.sb %[one], (%[to]), %[apart]\n"
                       XCV_LOOP_END
                       : [from] "+r"(from), [to] "+r"(to), [two] "=&r"(two), [one] "=&r"(one)
                       : [pixels] "r"(pixels), [step] "r"(step - 2), [apart] "r"(apart - 2)
                       : "memory");
        return;
    }
#endif
#if defined(__clang__)
#pragma clang loop unroll(disable) /* which takes more flash than it is worth */
#endif
    for (; pixels >= 2; pixels -= 2, from += 2 * step, to += 2 * apart) {
        xcv_copy(to, from, count);
        xcv_copy(to + apart, from + step, count);
    }
    if (pixels > 0) {
        xcv_copy(to, from, count);
    }
}

/* The rows of the image x that the windows of one row see, the first at row `top`. */
static inline void conv2d_xcv_strip(const conv2d_s8_xcv_params *p, const int8_t *x, int32_t top, int8_t *strip)
    __attribute__((always_inline));
static inline void conv2d_xcv_strip(const conv2d_s8_xcv_params *p, const int8_t *x, int32_t top, int8_t *strip)
{
    const window_params *g = &p->window;
    const int32_t seen = (g->out_w - 1) * g->stride_w + g->k_w - g->pad_left, pixels = seen < g->in_w ? seen : g->in_w;
    const int32_t column = g->k_h * g->in_c;
    int8_t *to = strip + g->pad_left * column;
    for (int32_t i = 0; i < g->k_h; i++, to += g->in_c) {
        const int32_t in = top + i * g->dilation_h;
        if (in >= 0 && in < g->in_h) {
            conv2d_xcv_pixels(pixels, x + in * g->in_row, g->in_c, g->in_c, to, column);
        } else {
            conv2d_xcv_pixels(pixels, strip + p->strip, 0, g->in_c, to, column);
        }
    }
}

/* x batches x in_h x in_w x in_c, the numbers of each channel and of some that are not there, weights as words of four channels; y batches x
 * out_h x out_w x out_c; scratch a strip and a pixel */
static inline void conv2d_s8_xcv(const conv2d_s8_xcv_params *p, const int8_t *x, const int32_t *table, const uint32_t *w, int8_t *y,
                                 void *scratch) __attribute__((always_inline));
static inline void conv2d_s8_xcv(const conv2d_s8_xcv_params *p, const int8_t *x, const int32_t *table, const uint32_t *w, int8_t *y,
                                 void *scratch)
{
    const window_params *g = &p->window;
    const int32_t apart = g->stride_w * g->k_h * g->in_c;
    memset(scratch, p->x_zero, (size_t)(p->strip + g->in_c)); /* columns of padding stay, and the bytes in which a last word ends */
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        const int8_t *image = x + row / g->out_h * g->in_h * g->in_row;
        conv2d_xcv_strip(p, image, row % g->out_h * g->stride_h - g->pad_top, scratch);
        channels_row(g->out_w, &p->reading, &p->codes, scratch, apart, table, w, g->out_c, y + row * g->out_row, g->out_pixel);
    }
}

#endif
