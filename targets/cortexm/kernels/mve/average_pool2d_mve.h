/* average_pool2d on Helium: sums of eight channels at a time in 16 bits each, which windows of up to 256 taps fit; division as ever.
 * The definition is compiler/ops/average_pool2d.py. */
#ifndef TAPEOUT_AVERAGE_POOL2D_MVE_H
#define TAPEOUT_AVERAGE_POOL2D_MVE_H

#include "average_pool2d.h"
#include <arm_mve.h>

typedef average_pool2d_s8_params average_pool2d_s8_mve_params;

/* x batches x in_h x in_w x in_c, y batches x out_h x out_w x in_c */
static inline void average_pool2d_s8_mve(const average_pool2d_s8_mve_params *p, const int8_t *x, int8_t *y)
{
    const window_params *g = &p->window;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            const int32_t inside = (at.rows.last - at.rows.first) * (at.columns.last - at.columns.first);
            const int32_t count = p->count_include_pad ? g->k_h * g->k_w : inside;
            int8_t *const means = y + row * g->out_row + column * g->out_pixel;
            for (int32_t channel = 0; channel < g->in_c; channel += 8) {
                const int32_t together = g->in_c - channel < 8 ? g->in_c - channel : 8;
                const mve_pred16_t some = vctp16q((uint32_t)together);
                int16x8_t sum = vdupq_n_s16(0);
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    const int8_t *in = x + at.origin + i * g->dilation_h * g->in_row + channel;
                    for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                        sum = vaddq_s16(sum, vldrbq_z_s16(in + j * g->dilation_w * g->in_pixel, some));
                    }
                }
                int16_t sums[8];
                vstrhq_s16(sums, sum);
                for (int32_t c = 0; c < together; c++) {
                    const int32_t mean = divide(sums[c] + (count - inside) * p->x_zero, count, p->rounding);
                    means[channel + c] = (int8_t)clamp(mean, p->lo, p->hi);
                }
            }
        }
    }
}

#endif
