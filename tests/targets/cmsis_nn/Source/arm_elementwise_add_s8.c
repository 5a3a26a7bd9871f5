#include "stand_in.h"

arm_cmsis_nn_status arm_elementwise_add_s8(const int8_t *x, const int8_t *y, int32_t x_offset, int32_t x_mul, int32_t x_shift,
                                           int32_t y_offset, int32_t y_mul, int32_t y_shift, int32_t left, int8_t *out, int32_t out_offset,
                                           int32_t out_mul, int32_t out_shift, int32_t lo, int32_t hi, int32_t size)
{
    for (int32_t i = 0; i < size; i++) {
        const int32_t a = requantize((x[i] + x_offset) * (1 << left), x_mul, 31 - x_shift, BUILD_ROUNDING);
        const int32_t b = requantize((y[i] + y_offset) * (1 << left), y_mul, 31 - y_shift, BUILD_ROUNDING);
        out[i] = (int8_t)clamp(requantize(a + b, out_mul, 31 - out_shift, BUILD_ROUNDING) + out_offset, lo, hi);
    }
    return ARM_CMSIS_NN_SUCCESS;
}
