/* conv2d on Helium with weights of 4 bits; see conv2d_mve.h. */
#ifndef TAPEOUT_CONV2D_MVE_NIBBLES_H
#define TAPEOUT_CONV2D_MVE_NIBBLES_H

#include "conv2d_mve.h"

typedef conv2d_s8_mve_params conv2d_packed_s8_mve_params;
typedef conv2d_s8_mve_params conv2d_packed_s8_mve_inside_params;

static inline void conv2d_packed_s8_mve(const conv2d_s8_mve_params *, const int8_t *, const int32_t *, int8_t *, uint8_t *)
    __attribute__((always_inline)); /* so that the parameters are constants of the assembly */

/* x batches x in_h x in_w x channels, y batches x out_h x out_w x out_c; scratch takes two windows and what fills their last vectors */
static inline void conv2d_packed_s8_mve(const conv2d_s8_mve_params *p, const int8_t *x, const int32_t *stream, int8_t *y,
                                        uint8_t *scratch)
{
    conv2d_s8_mve(p, x, stream, y, scratch);
}

static inline void conv2d_packed_s8_mve_inside(const conv2d_s8_mve_params *, const int8_t *, const int32_t *, int8_t *)
    __attribute__((always_inline));

/* No pads, and rows of taps that are whole vectors. */
static inline void conv2d_packed_s8_mve_inside(const conv2d_s8_mve_params *p, const int8_t *x, const int32_t *stream, int8_t *y)
{
    conv2d_s8_mve_inside(p, x, stream, y);
}

#endif
