/* depthwise_conv2d on Helium, for all windows: eight output channels of a pixel at a time, one in each lane, no scratch memory. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_MVE_LANES_H
#define TAPEOUT_DEPTHWISE_CONV2D_MVE_LANES_H

#include "helium.h"
#include "window.h"
#include <arm_mve.h>

typedef struct {
    window_params window;
    int32_t multiplier; /* output channels per input channel */
    int32_t x_zero;
    helium_codes codes;
} depthwise_conv2d_s8_mve_lanes_params;

/* The codes of four sums; table: bias, mul, add and -shift, four of each. */
static inline int32x4_t depthwise_conv2d_s8_mve_lanes_codes(const helium_codes *p, int32x4_t sum, const int32_t *table)
{
    sum = vaddq_s32(sum, vldrwq_s32(table));
    int32x4_t high = p->doubled ? vqrdmulhq_s32(sum, vldrwq_s32(table + 4)) : vmulhq_s32(sum, vldrwq_s32(table + 4));
    high = vaddq_s32(high, vldrwq_s32(table + 8));
    return vshlq_s32(p->signs ? vaddq_s32(high, vshrq_n_s32(sum, 31)) : high, vldrwq_s32(table + 12));
}

/* Eight codes in 16 bits each; x and w are those of the first channel at tap (0, 0), `some` the channels that there are, `from` the offsets
 * of their codes in x, table that of the even channels and then that of the odd ones. */
static inline int16x8_t depthwise_conv2d_s8_mve_lanes_eight(const depthwise_conv2d_s8_mve_lanes_params *p, const window *at, const int8_t *x,
                                                           const int8_t *w, mve_pred16_t some, uint16x8_t from, const int32_t *table)
{
    const window_params *g = &p->window;
    int32x4_t even = vdupq_n_s32(0), odd = vdupq_n_s32(0);
    for (int32_t i = at->rows.first; i < at->rows.last; i++) {
        const int8_t *in = x + i * g->dilation_h * g->in_row + at->columns.first * g->dilation_w * g->in_pixel;
        const int8_t *tap = w + (i * g->k_w + at->columns.first) * g->out_c;
        for (int32_t j = at->columns.first; j < at->columns.last; j++, in += g->dilation_w * g->in_pixel, tap += g->out_c) {
            const int16x8_t codes = p->multiplier == 1 ? vldrbq_z_s16(in, some) : vldrbq_gather_offset_z_s16(in, from, some);
            const int16x8_t centred = vsubq_n_s16(codes, (int16_t)p->x_zero), taps = vldrbq_z_s16(tap, some);
            even = vaddq_s32(even, vmullbq_int_s16(centred, taps));
            odd = vaddq_s32(odd, vmulltq_int_s16(centred, taps));
        }
    }
    int16x8_t codes = vqmovnbq_s32(vuninitializedq_s16(), depthwise_conv2d_s8_mve_lanes_codes(&p->codes, even, table));
    codes = vqmovntq_s32(codes, depthwise_conv2d_s8_mve_lanes_codes(&p->codes, odd, table + 16));
    return vminq_s16(vmaxq_s16(codes, vdupq_n_s16((int16_t)p->codes.lo)), vdupq_n_s16((int16_t)p->codes.hi));
}

/* x batches x in_h x in_w x in_c, w k_h x k_w x out_c, y batches x out_h x out_w x out_c */
static inline void depthwise_conv2d_s8_mve_lanes(const depthwise_conv2d_s8_mve_lanes_params *p, const int8_t *x, const int8_t *w,
                                                 const int32_t *table, int8_t *y)
{
    const window_params *g = &p->window;
    for (int32_t channel = 0; channel < g->out_c; channel += 8, table += 32) {
        const mve_pred16_t some = vctp16q((uint32_t)(g->out_c - channel));
        const int32_t first = channel / p->multiplier;
        uint16_t offsets[8];
        for (int32_t i = 0; i < 8; i++) {
            offsets[i] = (uint16_t)((channel + i) / p->multiplier - first);
        }
        for (int32_t row = 0; row < g->batches * g->out_h; row++) {
            for (int32_t column = 0; column < g->out_w; column++) {
                const window at = window_at(g, row, column);
                const int16x8_t codes = depthwise_conv2d_s8_mve_lanes_eight(p, &at, x + at.origin + first, w + channel, some,
                                                                           vldrhq_u16(offsets), table);
                vstrbq_p_s16(y + row * g->out_row + column * g->out_pixel + channel, codes, some);
            }
        }
    }
}

#endif
