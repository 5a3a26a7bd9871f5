/* Sliding windows over NHWC tensors: what convolutions and poolings share. The definition is compiler/window.py. */
#ifndef TAPEOUT_WINDOW_H
#define TAPEOUT_WINDOW_H

#include <stdint.h>

/* A tensor batches x in_h x in_w x in_c, windows of k_h x k_w taps over it, and one output pixel per window.
 * Row and pixel strides count elements. */
typedef struct {
    int32_t batches;
    int32_t in_h, in_w, in_c, in_row, in_pixel;
    int32_t out_h, out_w, out_c, out_row, out_pixel;
    int32_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
} window_params;

/* The taps of a window along one axis that lie inside the tensor: first to last - 1. */
typedef struct {
    int32_t first, last;
} taps;

/* Of `count` taps, the first at `start` and `dilation` apart, those in 0 .. size - 1. */
static inline taps taps_inside(int32_t start, int32_t count, int32_t dilation, int32_t size)
{
    taps inside = {0, count};
    if (start < 0) {
        inside.first = (dilation - 1 - start) / dilation;
    }
    if (start + (count - 1) * dilation >= size) {
        inside.last = start < size ? (size - start + dilation - 1) / dilation : 0;
    }
    return inside;
}

/* A window: its taps inside the tensor, and the index of tap (0, 0), which may lie in the padding. */
typedef struct {
    taps rows, columns;
    int32_t origin;
} window;

/* The window of the output pixel at `row`, counted over all batches, and `column`. */
static inline window window_at(const window_params *p, int32_t row, int32_t column)
{
    const int32_t top = (row % p->out_h) * p->stride_h - p->pad_top;
    const int32_t left = column * p->stride_w - p->pad_left;
    return (window){
        taps_inside(top, p->k_h, p->dilation_h, p->in_h),
        taps_inside(left, p->k_w, p->dilation_w, p->in_w),
        (row / p->out_h * p->in_h + top) * p->in_row + left * p->in_pixel,
    };
}

/* The output along one axis whose window has its tap number `tap` on element `at`; -1 when there is none. */
static inline int32_t window_with_tap(int32_t at, int32_t tap, int32_t stride, int32_t dilation, int32_t pad, int32_t outputs)
{
    const int32_t start = at + pad - tap * dilation;
    return start >= 0 && start % stride == 0 && start / stride < outputs ? start / stride : -1;
}

/* The taps along one axis with which windows reach an element: first, first + step, ... below last. Tap `first` is that of window number
 * `window`, and each next one that of `back` windows before. */
typedef struct {
    int32_t first, last, step, window, back;
} taps_reaching;

/* Of `count` taps, those that reach element `at`. */
static inline taps_reaching taps_on(int32_t at, int32_t count, int32_t stride, int32_t dilation, int32_t pad, int32_t outputs)
{
    taps_reaching found = {0, (at + pad) / dilation + 1, 1, 0, 0};
    while (found.step * dilation % stride != 0) {
        found.step++;
    }
    for (; found.first < count; found.first++) {
        found.window = window_with_tap(at, found.first, stride, dilation, pad, outputs);
        if (found.window >= 0) {
            break;
        }
    }
    found.last = found.last < count ? found.last : count;
    found.back = found.step * dilation / stride;
    return found;
}

/* Whether no element lies in two windows. */
static inline int32_t windows_apart(const window_params *p)
{
    return p->stride_h > (p->k_h - 1) * p->dilation_h && p->stride_w > (p->k_w - 1) * p->dilation_w;
}

#endif
