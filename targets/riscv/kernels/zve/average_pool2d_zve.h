/* average_pool2d on vectors, channels in the lanes. The definition is compiler/ops/average_pool2d.py. */
#ifndef TAPEOUT_AVERAGE_POOL2D_ZVE_H
#define TAPEOUT_AVERAGE_POOL2D_ZVE_H

#include "average_pool2d.h"
#include <riscv_vector.h>

typedef average_pool2d_s8_params average_pool2d_s8_zve_params;

static inline vint32m8_t average_pool2d_zve_means(vint32m8_t, int32_t, rounding, size_t) __attribute__((always_inline));

/* sums / count, from HALF_UP, HALF_AWAY and FLOOR. Sums of codes become positive by 128 * count, so that a quotient is a floor; half away
 * from zero is half up, of negative sums of one unit less, of which a tie has two. */
static inline vint32m8_t average_pool2d_zve_means(vint32m8_t sum, int32_t count, rounding rounding, size_t vl)
{
    const int32_t by = rounding == ROUND_FLOOR ? count : 2 * count;
    vint32m8_t scaled = rounding == ROUND_FLOOR ? sum : __riscv_vadd_vx_i32m8(__riscv_vsll_vx_i32m8(sum, 1, vl), count, vl);
    if (rounding == ROUND_HALF_AWAY) {
        scaled = __riscv_vadd_vv_i32m8(scaled, __riscv_vsra_vx_i32m8(sum, 31, vl), vl);
    }
    scaled = __riscv_vadd_vx_i32m8(scaled, 129 * by, vl);
    return __riscv_vsub_vx_i32m8(__riscv_vdiv_vx_i32m8(scaled, by, vl), 129, vl);
}

/* x batches x in_h x in_w x in_c, y batches x out_h x out_w x in_c */
static inline void average_pool2d_s8_zve(const average_pool2d_s8_zve_params *p, const int8_t *x, int8_t *y)
{
    const window_params *g = &p->window;
    size_t vl;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            const int32_t inside = (at.rows.last - at.rows.first) * (at.columns.last - at.columns.first);
            const int32_t count = p->count_include_pad ? g->k_h * g->k_w : inside;
            for (int32_t first = 0; first < g->in_c; first += (int32_t)vl) {
                vl = __riscv_vsetvl_e32m8((size_t)(g->in_c - first));
                vint32m8_t sum = __riscv_vmv_v_x_i32m8((count - inside) * p->x_zero, vl);
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                        const int8_t *in = x + at.origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + first;
                        sum = __riscv_vwadd_wv_i32m8(sum, __riscv_vsext_vf2_i16m4(__riscv_vle8_v_i8m2(in, vl), vl), vl);
                    }
                }
                const vint32m8_t means = average_pool2d_zve_means(sum, count, p->rounding, vl);
                const vint32m8_t codes = __riscv_vmin_vx_i32m8(__riscv_vmax_vx_i32m8(means, p->lo, vl), p->hi, vl);
                const vint8m2_t bytes = __riscv_vncvt_x_x_w_i8m2(__riscv_vncvt_x_x_w_i16m4(codes, vl), vl);
                __riscv_vse8_v_i8m2(y + row * g->out_row + column * g->out_pixel + first, bytes, vl);
            }
        }
    }
}

#endif
