/* dense by CMSIS-NN. The definition is compiler/ops/dense.py. */
#ifndef TAPEOUT_DENSE_CMSIS_NN_H
#define TAPEOUT_DENSE_CMSIS_NN_H

#include "cmsis_nn.h"

typedef struct {
    int32_t rows, inputs, outputs;
    int32_t x_zero, y_zero, lo, hi;
    int32_t per_channel; /* whether not all outputs have one multiplier */
} dense_s8_cmsis_nn_params;

/* x rows x inputs, w outputs x inputs, b outputs, mul and shift (to the left) outputs if per_channel else 1, y rows x outputs.
 * A core with vectors takes what arm_vector_sum_s8 makes of weights and biases, which b holds then, in the place of a buffer; others
 * take none. */
static inline void dense_s8_cmsis_nn(const dense_s8_cmsis_nn_params *p, const int8_t *x, const int8_t *w, const int32_t *b,
                                     const int32_t *mul, const int32_t *shift, int8_t *y)
{
    const cmsis_nn_fc_params params = {
        .input_offset = -p->x_zero,
        .filter_offset = 0,
        .output_offset = p->y_zero,
        .activation = {.min = p->lo, .max = p->hi},
    };
    const cmsis_nn_quant_params quant = {.multiplier = (int32_t *)mul, .shift = (int32_t *)shift, .is_per_channel = p->per_channel};
    const cmsis_nn_dims in = {.n = p->rows, .h = 1, .w = 1, .c = p->inputs}, out = {.n = p->rows, .h = 1, .w = 1, .c = p->outputs};
    const cmsis_nn_dims filter = {.n = p->inputs, .h = 1, .w = 1, .c = p->outputs}, bias = {.n = 1, .h = 1, .w = 1, .c = p->outputs};
    const int32_t bytes = p->outputs * (int32_t)sizeof(int32_t);
    const cmsis_nn_context context = {.buf = (void *)b, .size = bytes};
    require_cmsis_nn(arm_fully_connected_s8_get_buffer_size(&filter) <= bytes);
    require_cmsis_nn(arm_fully_connected_wrapper_s8(&context, &params, &quant, &in, x, &filter, w, &bias, b, &out, y)
                     == ARM_CMSIS_NN_SUCCESS);
}

#endif
