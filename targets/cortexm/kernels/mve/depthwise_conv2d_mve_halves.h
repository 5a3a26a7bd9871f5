/* depthwise_conv2d on Helium with activations of 16 bits; see depthwise_conv2d_mve_lanes.h. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_MVE_HALVES_H
#define TAPEOUT_DEPTHWISE_CONV2D_MVE_HALVES_H

#include "depthwise_conv2d_mve_lanes.h"

typedef depthwise_conv2d_s8_mve_lanes_params depthwise_conv2d_packed_s16_mve_params;

static inline void depthwise_conv2d_packed_s16_mve(const depthwise_conv2d_packed_s16_mve_params *, const int16_t *, const int8_t *,
                                                   const int32_t *, int16_t *) __attribute__((always_inline));

/* x batches x in_h x in_w x in_c, w k_h x k_w x out_c, table for each eight channels, y batches x out_h x out_w x out_c */
static inline void depthwise_conv2d_packed_s16_mve(const depthwise_conv2d_packed_s16_mve_params *p, const int16_t *x, const int8_t *w,
                                                   const int32_t *table, int16_t *y)
{
    depthwise_conv2d_s8_mve_lanes(p, (const int8_t *)x, w, table, (int8_t *)y);
}

#endif
