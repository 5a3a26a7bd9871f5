/* round: floats to whole numbers by every rounding but ROUND_TFLITE. The definition is round_real in compiler/codes.py. */
#ifndef TAPEOUT_ROUND_H
#define TAPEOUT_ROUND_H

#include "fixed.h"

/* The whole number to which x is rounded; |x| < 2^23, so that both parts are exact. */
static inline int32_t round_float(float x, rounding mode)
{
    const int32_t towards_zero = (int32_t)x;
    const int32_t floor = towards_zero - ((float)towards_zero > x);
    const float rest = x - (float)floor;
    if (mode == ROUND_FLOOR) {
        return floor;
    }
    if (rest != 0.5f) {
        return floor + (rest > 0.5f);
    }
    return floor + (mode == ROUND_HALF_EVEN ? (floor & 1) : mode == ROUND_HALF_AWAY ? x >= 0.0f : 1);
}

#endif
