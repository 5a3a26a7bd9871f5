/* conv2d with weights of bytes, see fours.h, over the windows of conv_windows.h. */
#ifndef TAPEOUT_CONV2D_FOURS_H
#define TAPEOUT_CONV2D_FOURS_H

#include "conv_windows.h"
#include "fours.h"

typedef conv_windows_params conv2d_s8_fours_params;

CONV_WINDOWS(conv2d_fours_straight, fours_straight_outputs)
CONV_WINDOWS(conv2d_fours_bent, fours_bent_outputs)

/* scratch: the words of a window, in whole loops. */
static inline void conv2d_s8_fours(const conv2d_s8_fours_params *p, const int8_t *x, const uint32_t *stream, int8_t *y, uint8_t *scratch)
{
    (p->sums.bent ? conv2d_fours_bent : conv2d_fours_straight)(p, x, stream, y, (int32_t *)(void *)scratch);
}

#endif
