/* Integer rounding and requantization. The definition is compiler/fixed.py; this file is its C twin. */
#ifndef TAPEOUT_FIXED_H
#define TAPEOUT_FIXED_H

#include <stdint.h>

/* How x * mul / 2^shift becomes an integer. */
typedef enum { ROUND_HALF_UP, ROUND_TFLITE, ROUND_HALF_AWAY, ROUND_HALF_EVEN, ROUND_FLOOR } rounding;

/* x / 2^shift, 0 <= shift <= 62. Right shifts of negative numbers are arithmetic in every compiler we build with. */
static inline int64_t shift_right(int64_t x, int32_t shift, rounding mode)
{
    const int64_t floor = x >> shift;
    const int64_t remainder = x - floor * ((int64_t)1 << shift);
    const int64_t half = ((int64_t)1 << shift) >> 1;
    if (shift == 0 || mode == ROUND_FLOOR) {
        return floor;
    }
    if (remainder != half) {
        return floor + (remainder > half);
    }
    switch (mode) { /* a tie */
    case ROUND_HALF_AWAY:
        return floor + (x >= 0);
    case ROUND_HALF_EVEN:
        return floor + (floor & 1);
    default:
        return floor + 1;
    }
}

/* x / by, 0 < by < 2^30, so that twice a remainder fits 32 bits. */
static inline int32_t divide(int32_t x, int32_t by, rounding mode)
{
    const int32_t floor = x / by - (x % by < 0);
    const int32_t remainder = x % by + (x % by < 0 ? by : 0);
    if (mode == ROUND_FLOOR) {
        return floor;
    }
    if (2 * remainder != by) {
        return floor + (2 * remainder > by);
    }
    switch (mode) { /* a tie */
    case ROUND_HALF_AWAY:
        return floor + (x >= 0);
    case ROUND_HALF_EVEN:
        return floor + (floor & 1);
    default:
        return floor + 1;
    }
}

/* a * b / 2^31, rounded half up, exact negative ties half away from zero; for b < 2^31. */
static inline int32_t doubling_high_multiply(int32_t a, int32_t b)
{
    const int64_t product = (int64_t)a * b;
    const int64_t nudged = product + (product >= 0 ? (int64_t)1 << 30 : 1 - ((int64_t)1 << 30));
    return (int32_t)(nudged / ((int64_t)1 << 31));
}

/* x / 2^shift rounded half away from zero, in 32 bits; 0 <= shift <= 31. */
static inline int32_t shift_right_half_away(int32_t x, int32_t shift)
{
    const int32_t mask = (int32_t)(((int64_t)1 << shift) - 1);
    const int32_t threshold = (mask >> 1) + (x < 0);
    return (x >> shift) + ((x & mask) > threshold);
}

/* x * mul / 2^shift, 1 <= shift <= 62; mul >= 0 for ROUND_TFLITE. The compiler has proved of every call, for all codes of the
 * inputs, that nothing here leaves 32 bits, nor the result plus a zero point: compiler/passes/check_accumulators.py,
 * SumScaling.check. */
static inline int32_t requantize(int32_t x, int32_t mul, int32_t shift, rounding mode)
{
    if (mode == ROUND_HALF_UP) {
        return (int32_t)(((int64_t)x * mul + ((int64_t)1 << (shift - 1))) >> shift);
    }
    if (mode == ROUND_TFLITE) {
        const int32_t left = shift < 31 ? 31 - shift : 0;
        const int32_t right = shift > 31 ? shift - 31 : 0;
        return shift_right_half_away(doubling_high_multiply(x * ((int32_t)1 << left), mul), right);
    }
    return (int32_t)shift_right((int64_t)x * mul, shift, mode);
}

static inline int32_t clamp(int32_t x, int32_t lo, int32_t hi)
{
    x = x < lo ? lo : x;
    return x > hi ? hi : x;
}

#endif
