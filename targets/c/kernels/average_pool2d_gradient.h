/* average_pool2d_gradient: the gradient of the input of average_pool2d. Portable.
 * The definition is compiler/ops/average_pool2d_gradient.py. */
#ifndef TAPEOUT_AVERAGE_POOL2D_GRADIENT_H
#define TAPEOUT_AVERAGE_POOL2D_GRADIENT_H

#include "f16.h"
#include "window.h"

typedef struct {
    window_params window; /* of average_pool2d: dx has the shape of its input, g that of its output */
    int32_t count_include_pad;
} average_pool2d_gradient_f32_params;

/* The share of an element in a window: g by the window's count. */
static inline float window_share(const average_pool2d_gradient_f32_params *p, float_format format, const void *g, int32_t row,
                                 int32_t column, int32_t c)
{
    const window_params *w = &p->window;
    const window at = window_at(w, row, column);
    const int32_t inside = (at.rows.last - at.rows.first) * (at.columns.last - at.columns.first);
    return load_float(g, row * w->out_row + column * w->out_pixel + c, format) / (float)(p->count_include_pad ? w->k_h * w->k_w : inside);
}

/* The sum of one element of dx over the windows that it is in: the last taps first. */
static inline float average_pool2d_gradient_sum(const average_pool2d_gradient_f32_params *p, float_format format, const void *g,
                                                int32_t element)
{
    const window_params *w = &p->window;
    const int32_t row = element / w->in_row;
    const int32_t column = element % w->in_row / w->in_pixel;
    float sum = 0.0f;
    for (int32_t tap = w->k_h * w->k_w - 1; tap >= 0; tap--) {
        const int32_t i = window_with_tap(row % w->in_h, tap / w->k_w, w->stride_h, w->dilation_h, w->pad_top, w->out_h);
        const int32_t j = window_with_tap(column, tap % w->k_w, w->stride_w, w->dilation_w, w->pad_left, w->out_w);
        sum += i < 0 || j < 0 ? 0.0f : window_share(p, format, g, row / w->in_h * w->out_h + i, j, element % w->in_pixel);
    }
    return sum;
}

/* Adds the share of a window to each of its elements. */
static inline void add_shares(const average_pool2d_gradient_f32_params *p, float_format format, const void *g, int32_t row, int32_t column,
                              void *dx)
{
    const window_params *w = &p->window;
    const window at = window_at(w, row, column);
    for (int32_t c = 0; c < w->in_c; c++) {
        const float share = window_share(p, format, g, row, column, c);
        for (int32_t i = at.rows.first; i < at.rows.last; i++) {
            for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                const int32_t to = at.origin + i * w->dilation_h * w->in_row + j * w->dilation_w * w->in_pixel + c;
                store_float(dx, to, format, load_float(dx, to, format) + share);
            }
        }
    }
}

/* g batches x out_h x out_w x in_c, dx batches x in_h x in_w x in_c. Each sum runs from +0 over the windows. Sums of several shares in 16
 * bits are those of one element at a time, as they are rounded once in the end. */
static inline void average_pool2d_gradient_floats(const average_pool2d_gradient_f32_params *p, float_format format, const void *g, void *dx)
{
    const window_params *w = &p->window;
    const int32_t by_windows = format == FORMAT_F32 || windows_apart(w);
    for (int32_t i = 0; i < w->batches * w->in_h * w->in_row; i++) {
        store_float(dx, i, format, by_windows ? 0.0f : average_pool2d_gradient_sum(p, format, g, i));
    }
    for (int32_t row = 0; row < w->batches * w->out_h && by_windows; row++) {
        for (int32_t column = 0; column < w->out_w; column++) {
            add_shares(p, format, g, row, column, dx);
        }
    }
}

typedef average_pool2d_gradient_f32_params average_pool2d_gradient_f16_params;
typedef average_pool2d_gradient_f32_params average_pool2d_gradient_bf16_params;

static inline void average_pool2d_gradient_f32(const average_pool2d_gradient_f32_params *p, const float *g, float *dx)
{
    average_pool2d_gradient_floats(p, FORMAT_F32, g, dx);
}

static inline void average_pool2d_gradient_f16(const average_pool2d_gradient_f16_params *p, const uint16_t *g, uint16_t *dx)
{
    average_pool2d_gradient_floats(p, FORMAT_F16, g, dx);
}

static inline void average_pool2d_gradient_bf16(const average_pool2d_gradient_bf16_params *p, const uint16_t *g, uint16_t *dx)
{
    average_pool2d_gradient_floats(p, FORMAT_BF16, g, dx);
}

#endif
