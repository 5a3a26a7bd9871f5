/* Sums over the windows that have a tap on elements of a tensor: what the gradients of convolutions' weights share.
 * The definition is Window.overlap in compiler/window.py. */
#ifndef TAPEOUT_WINDOWS_H
#define TAPEOUT_WINDOWS_H

#include "f16.h"
#include "window.h"

/* The windows of an image whose tap lies inside of it, and the element of the tensor on which window (0, 0) has it, which may lie in the
 * padding. */
typedef struct {
    taps rows, columns;
    int32_t origin;
} windows_of_tap;

static inline windows_of_tap windows_with_tap(const window_params *p, int32_t row, int32_t column)
{
    const int32_t top = row * p->dilation_h - p->pad_top;
    const int32_t left = column * p->dilation_w - p->pad_left;
    return (windows_of_tap){
        taps_inside(top, p->out_h, p->stride_h, p->in_h),
        taps_inside(left, p->out_w, p->stride_w, p->in_w),
        top * p->in_row + left * p->in_pixel,
    };
}

/* The sum of the products of x, from `in` on, and g, from `from` on, over the windows of an image that have a tap inside of it. */
static inline float add_windows(const window_params *w, const windows_of_tap *at, float_format format, float_sums sums, const void *x,
                                int32_t in, const void *g, int32_t from, float sum)
{
    for (int32_t row = at->rows.first; row < at->rows.last; row++) {
        for (int32_t column = at->columns.first; column < at->columns.last; column++) {
            const float element = load_float(x, in + row * w->stride_h * w->in_row + column * w->stride_w * w->in_pixel, format);
            sum = add_product(sum, element, load_float(g, from + row * w->out_row + column * w->out_pixel, format), sums);
        }
    }
    return sum;
}

#endif
