/* average_pool2d_gradient: the gradient of the input of average_pool2d. Portable. The definition is compiler/ops/average_pool2d_gradient.py. */
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

/* g batches x out_h x out_w x in_c, dx batches x in_h x in_w x in_c. Each sum runs from +0 over the windows: the last taps first. */
static inline void average_pool2d_gradient_floats(const average_pool2d_gradient_f32_params *p, float_format format, const void *g, void *dx)
{
    const window_params *w = &p->window;
    for (int32_t at = 0; at < w->batches * w->in_h * w->in_row; at++) {
        const int32_t row = at / w->in_row;
        float sum = 0.0f;
        for (int32_t tap = w->k_h * w->k_w - 1; tap >= 0; tap--) {
            const int32_t i = window_with_tap(row % w->in_h, tap / w->k_w, w->stride_h, w->dilation_h, w->pad_top, w->out_h);
            const int32_t column = at % w->in_row / w->in_pixel;
            const int32_t j = window_with_tap(column, tap % w->k_w, w->stride_w, w->dilation_w, w->pad_left, w->out_w);
            sum += i < 0 || j < 0 ? 0.0f : window_share(p, format, g, row / w->in_h * w->out_h + i, j, at % w->in_pixel);
        }
        store_float(dx, at, format, sum);
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
