/* average_pool2d_gradient on a cluster: each core takes its part of the channels, of windows that do not overlap. */
#ifndef TAPEOUT_AVERAGE_POOL2D_GRADIENT_CLUSTER_H
#define TAPEOUT_AVERAGE_POOL2D_GRADIENT_CLUSTER_H

#include "average_pool2d_gradient.h"
#include "cluster_window.h"

/* As average_pool2d_gradient_floats: each element is in one window, or in none. */
static inline void average_pool2d_gradient_apart(const average_pool2d_gradient_f32_params *p, float_format format, const void *g, void *dx)
{
    const window_params *w = &p->window;
    const cluster_range channels = cluster_slice(w->in_c, 1);
    zero_channels(w, channels, format, dx);
    for (int32_t row = 0; row < w->batches * w->out_h; row++) {
        for (int32_t column = 0; column < w->out_w; column++) {
            const window at = window_at(w, row, column);
            for (int32_t c = channels.begin; c < channels.end; c++) {
                const float share = 0.0f + window_share(p, format, g, row, column, c); /* a sum: of -0 it is +0 */
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                        store_float(dx, at.origin + i * w->in_row + j * w->in_pixel + c, format, share);
                    }
                }
            }
        }
    }
}

typedef average_pool2d_gradient_f32_params average_pool2d_gradient_f32_cluster_params;

static inline void average_pool2d_gradient_f32_cluster(const average_pool2d_gradient_f32_params *p, const float *g, float *dx)
{
    average_pool2d_gradient_apart(p, FORMAT_F32, g, dx);
}

typedef average_pool2d_gradient_f32_params average_pool2d_gradient_f16_cluster_params;

static inline void average_pool2d_gradient_f16_cluster(const average_pool2d_gradient_f32_params *p, const uint16_t *g, uint16_t *dx)
{
    average_pool2d_gradient_apart(p, FORMAT_F16, g, dx);
}

typedef average_pool2d_gradient_f32_params average_pool2d_gradient_bf16_cluster_params;

static inline void average_pool2d_gradient_bf16_cluster(const average_pool2d_gradient_f32_params *p, const uint16_t *g, uint16_t *dx)
{
    average_pool2d_gradient_apart(p, FORMAT_BF16, g, dx);
}

#endif
