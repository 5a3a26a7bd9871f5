/* depthwise_conv2d on vectors, channels in the lanes. Weights are widened to 16 bits at compile time. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_ZVE_H
#define TAPEOUT_DEPTHWISE_CONV2D_ZVE_H

#include "layer_zve.h"
#include "window.h"

typedef struct {
    window_params window;
    int32_t x_zero;
    zve_codes codes;
} depthwise_conv2d_s8_zve_params;

static inline void depthwise_conv2d_s8_zve_pixel(const depthwise_conv2d_s8_zve_params *, const zve_table *, const window *, const int8_t *,
                                                 const int16_t *, int8_t *) __attribute__((always_inline));

/* y (out_c): sums of the taps of a window that lie inside of x, less the zero point, so that padding adds nothing */
static inline void depthwise_conv2d_s8_zve_pixel(const depthwise_conv2d_s8_zve_params *p, const zve_table *t, const window *at, const int8_t *x,
                                                 const int16_t *w, int8_t *y)
{
    const window_params *g = &p->window;
    size_t vl;
    for (int32_t first = 0; first < g->out_c; first += (int32_t)vl) {
        vl = __riscv_vsetvl_e32m8((size_t)(g->out_c - first));
        vint32m8_t sum = __riscv_vle32_v_i32m8(t->start + first, vl);
        for (int32_t i = at->rows.first; i < at->rows.last; i++) {
            const int8_t *in = x + at->origin + i * g->dilation_h * g->in_row + at->columns.first * g->dilation_w * g->in_pixel + first;
            const int16_t *tap = w + (i * g->k_w + at->columns.first) * g->out_c + first;
            for (int32_t j = at->columns.first; j < at->columns.last; j++) {
                const vint16m4_t code = __riscv_vwsub_vx_i16m4(__riscv_vle8_v_i8m2(in, vl), (int8_t)p->x_zero, vl);
                sum = __riscv_vwmacc_vv_i32m8(sum, code, __riscv_vle16_v_i16m4(tap, vl), vl);
                in += g->dilation_w * g->in_pixel;
                tap += g->out_c;
            }
        }
        zve_store_codes(&p->codes, t, first, sum, y, vl);
    }
}

/* x batches x in_h x in_w x in_c, w k_h x k_w x out_c, table 3 x out_c, y batches x out_h x out_w x out_c, out_c = in_c */
static inline void depthwise_conv2d_s8_zve(const depthwise_conv2d_s8_zve_params *p, const int8_t *x, const int16_t *w, const int32_t *table,
                                           const uint16_t *shift, int8_t *y)
{
    const window_params *g = &p->window;
    const zve_table t = zve_table_of(table, shift, g->out_c);
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            window at = window_at(g, row, column);
            int8_t *to = y + row * g->out_row + column * g->out_pixel;
            if (at.rows.last - at.rows.first == g->k_h && at.columns.last - at.columns.first == g->k_w) { /* loops of known ends */
                at.rows = (taps){0, g->k_h};
                at.columns = (taps){0, g->k_w};
                depthwise_conv2d_s8_zve_pixel(p, &t, &at, x, w, to);
            } else {
                depthwise_conv2d_s8_zve_pixel(p, &t, &at, x, w, to);
            }
        }
    }
}

#endif
