/* max_pool2d_gradient on a cluster: each core takes its part of the channels, of windows that do not overlap. */
#ifndef TAPEOUT_MAX_POOL2D_GRADIENT_CLUSTER_H
#define TAPEOUT_MAX_POOL2D_GRADIENT_CLUSTER_H

#include "max_pool2d_gradient.h"
#include "cluster_window.h"

/* As max_pool2d_gradient_floats: each element is in one window, or in none. */
static inline void max_pool2d_gradient_apart(const max_pool2d_gradient_f32_params *p, float_format format, const void *x, const void *g,
                                             void *dx)
{
    const window_params *w = &p->window;
    const cluster_range channels = cluster_slice(w->in_c, 1);
    zero_channels(w, channels, format, dx);
    for (int32_t row = 0; row < w->batches * w->out_h; row++) {
        for (int32_t column = 0; column < w->out_w; column++) {
            const window at = window_at(w, row, column);
            for (int32_t c = channels.begin; c < channels.end; c++) {
                const int32_t winner = window_winner(w, &at, format, x, c);
                if (winner >= 0) { /* a sum: of -0 it is +0 */
                    store_float(dx, winner, format, 0.0f + load_float(g, row * w->out_row + column * w->out_pixel + c, format));
                }
            }
        }
    }
}

typedef max_pool2d_gradient_f32_params max_pool2d_gradient_f32_cluster_params;

static inline void max_pool2d_gradient_f32_cluster(const max_pool2d_gradient_f32_params *p, const float *x, const float *g, float *dx)
{
    max_pool2d_gradient_apart(p, FORMAT_F32, x, g, dx);
}

typedef max_pool2d_gradient_f32_params max_pool2d_gradient_f16_cluster_params;

static inline void max_pool2d_gradient_f16_cluster(const max_pool2d_gradient_f32_params *p, const uint16_t *x, const uint16_t *g, uint16_t *dx)
{
    max_pool2d_gradient_apart(p, FORMAT_F16, x, g, dx);
}

typedef max_pool2d_gradient_f32_params max_pool2d_gradient_bf16_cluster_params;

static inline void max_pool2d_gradient_bf16_cluster(const max_pool2d_gradient_f32_params *p, const uint16_t *x, const uint16_t *g, uint16_t *dx)
{
    max_pool2d_gradient_apart(p, FORMAT_BF16, x, g, dx);
}

#endif
