/* max_pool2d on vectors, channels in the lanes. The definition is compiler/ops/max_pool2d.py. */
#ifndef TAPEOUT_MAX_POOL2D_ZVE_H
#define TAPEOUT_MAX_POOL2D_ZVE_H

#include "max_pool2d.h"
#include <riscv_vector.h>

typedef max_pool2d_s8_params max_pool2d_s8_zve_params;

/* x batches x in_h x in_w x in_c, y batches x out_h x out_w x in_c */
static inline void max_pool2d_s8_zve(const max_pool2d_s8_zve_params *p, const int8_t *x, int8_t *y)
{
    const window_params *g = &p->window;
    size_t vl;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            for (int32_t first = 0; first < g->in_c; first += (int32_t)vl) {
                vl = __riscv_vsetvl_e8m8((size_t)(g->in_c - first));
                vint8m8_t largest = __riscv_vmv_v_x_i8m8(INT8_MIN, vl);
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                        const int8_t *in = x + at.origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + first;
                        largest = __riscv_vmax_vv_i8m8(largest, __riscv_vle8_v_i8m8(in, vl), vl);
                    }
                }
                largest = __riscv_vmin_vx_i8m8(__riscv_vmax_vx_i8m8(largest, (int8_t)p->lo, vl), (int8_t)p->hi, vl);
                __riscv_vse8_v_i8m8(y + row * g->out_row + column * g->out_pixel + first, largest, vl);
            }
        }
    }
}

#endif
