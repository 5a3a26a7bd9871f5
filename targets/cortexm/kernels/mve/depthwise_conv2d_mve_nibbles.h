/* depthwise_conv2d on Helium with weights of 4 bits, which are bytes in the stream; see depthwise_conv2d_mve.h. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_MVE_NIBBLES_H
#define TAPEOUT_DEPTHWISE_CONV2D_MVE_NIBBLES_H

#include "depthwise_conv2d_mve.h"

typedef depthwise_conv2d_s8_mve_params depthwise_conv2d_packed_s8_mve_params;

static inline void depthwise_conv2d_packed_s8_mve(const depthwise_conv2d_packed_s8_mve_params *, const int8_t *, const int32_t *, int8_t *,
                                                  uint8_t *) __attribute__((always_inline));

/* x batches x in_h x in_w x in_c, y batches x out_h x out_w x in_c; scratch takes four rows of x */
static inline void depthwise_conv2d_packed_s8_mve(const depthwise_conv2d_packed_s8_mve_params *p, const int8_t *x, const int32_t *stream,
                                                  int8_t *y, uint8_t *scratch)
{
    depthwise_conv2d_s8_mve(p, x, stream, y, scratch);
}

#endif
