/* What gradients of poolings on a cluster share. */
#ifndef TAPEOUT_CLUSTER_WINDOW_H
#define TAPEOUT_CLUSTER_WINDOW_H

#include "cluster.h"
#include "f16.h"
#include "window.h"

/* Zeros in some channels of a tensor batches x in_h x in_w x in_c. */
static inline void zero_channels(const window_params *w, cluster_range channels, float_format format, void *x)
{
    for (int32_t row = 0; row < w->batches * w->in_h; row++) {
        for (int32_t column = 0; column < w->in_w; column++) {
            for (int32_t c = channels.begin; c < channels.end; c++) {
                store_float(x, row * w->in_row + column * w->in_pixel + c, format, 0.0f);
            }
        }
    }
}

#endif
