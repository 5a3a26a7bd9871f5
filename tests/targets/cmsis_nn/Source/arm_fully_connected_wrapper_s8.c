#include "stand_in.h"
#include "../../../../targets/c/kernels/dense.h"

int32_t arm_fully_connected_s8_get_buffer_size(const cmsis_nn_dims *filter)
{
    return filter->c * (int32_t)sizeof(int32_t);
}

/* A core with vectors takes biases that have the zero point of the inputs in them from the buffer. */
arm_cmsis_nn_status arm_fully_connected_wrapper_s8(const cmsis_nn_context *context, const cmsis_nn_fc_params *params,
                                                   const cmsis_nn_quant_params *quant, const cmsis_nn_dims *in, const int8_t *x,
                                                   const cmsis_nn_dims *filter, const int8_t *w, const cmsis_nn_dims *bias,
                                                   const int32_t *b, const cmsis_nn_dims *out, int8_t *y)
{
#ifdef __ARM_FEATURE_MVE
    const int32_t x_zero = 0;
    b = context->buf;
#else
    const int32_t x_zero = -params->input_offset;
#endif
    const dense_s8_params p = {
        in->n, filter->n, out->c, 0, x_zero, params->output_offset, params->activation.min, params->activation.max,
        quant->is_per_channel, BUILD_ROUNDING,
    };
    int8_t shift[1024];
    for (int32_t o = 0; o < (quant->is_per_channel ? out->c : 1); o++) {
        shift[o] = (int8_t)(31 - quant->shift[o]);
    }
    dense_s8(&p, x, w, b, quant->multiplier, shift, y);
    return ARM_CMSIS_NN_SUCCESS;
}
