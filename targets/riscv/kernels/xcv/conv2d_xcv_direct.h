/* conv2d of codes of 8 bits by products of four bytes, where no window meets the padding: windows are read where they lie, row by row.
 * The definition is compiler/ops/conv2d.py; conv2d_xcv_direct.py says what is packed. */
#ifndef TAPEOUT_CONV2D_XCV_DIRECT_H
#define TAPEOUT_CONV2D_XCV_DIRECT_H

#include "channels.h"
#include "window.h"

typedef struct {
    window_params window;
    channel_window reading; /* how a window lies in x */
    channel_codes codes;
} conv2d_s8_xcv_direct_params;

/* x batches x in_h x in_w x in_c, a table entry per channel and some that are not there, weights as words of four channels; y batches x out_h
 * x out_w x out_c */
static inline void conv2d_s8_xcv_direct(const conv2d_s8_xcv_direct_params *p, const int8_t *x, const int32_t *table, const uint32_t *w,
                                        int8_t *y) __attribute__((always_inline));
static inline void conv2d_s8_xcv_direct(const conv2d_s8_xcv_direct_params *p, const int8_t *x, const int32_t *table, const uint32_t *w,
                                        int8_t *y)
{
    const window_params *g = &p->window;
    const int32_t step = g->stride_w * g->in_c;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        const int8_t *a = x + (row / g->out_h * g->in_h + row % g->out_h * g->stride_h) * g->in_row;
        channels_row(g->out_w, &p->reading, &p->codes, a, step, table, w, g->out_c, y + row * g->out_row, g->out_pixel);
    }
}

#endif
