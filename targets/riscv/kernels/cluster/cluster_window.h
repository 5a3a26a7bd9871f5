/* What kernels with windows share on a cluster. */
#ifndef TAPEOUT_CLUSTER_WINDOW_H
#define TAPEOUT_CLUSTER_WINDOW_H

#include "cluster.h"
#include "f16.h"
#include "window.h"

/* Where a row of a tensor of floats begins. */
static inline void *float_row(void *x, int32_t row, int32_t stride, float_format format)
{
    return (uint8_t *)x + row * stride * (int32_t)(format == FORMAT_F32 ? sizeof(float) : sizeof(uint16_t));
}

/* The windows of some rows of the output of one image; padding may be less than none. */
static inline window_params window_rows(const window_params *w, cluster_range rows)
{
    window_params part = *w;
    part.out_h = rows.end - rows.begin;
    part.pad_top -= rows.begin * w->stride_h;
    return part;
}

/* The windows seen from some rows of the input of one image. */
static inline window_params window_input_rows(const window_params *w, cluster_range rows)
{
    window_params part = *w;
    part.in_h = rows.end - rows.begin;
    part.pad_top += rows.begin;
    return part;
}

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
