#include "stand_in.h"
#include "../../../../targets/c/kernels/average_pool2d.h"
#include "../../../../targets/c/kernels/max_pool2d.h"

int32_t arm_avgpool_s8_get_buffer_size(int out_w, int channels)
{
    return 0;
}

arm_cmsis_nn_status arm_avgpool_s8(const cmsis_nn_context *context, const cmsis_nn_pool_params *params, const cmsis_nn_dims *in,
                                   const int8_t *x, const cmsis_nn_dims *filter, const cmsis_nn_dims *out, int8_t *y)
{
    const average_pool2d_s8_params p = {
        window_of(in, filter, out, params->stride, params->padding, (cmsis_nn_tile){1, 1}), 0, 0,
        params->activation.min, params->activation.max, ROUND_HALF_AWAY,
    };
    overwrite(context);
    average_pool2d_s8(&p, x, y);
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_max_pool_s8(const cmsis_nn_context *context, const cmsis_nn_pool_params *params, const cmsis_nn_dims *in,
                                    const int8_t *x, const cmsis_nn_dims *filter, const cmsis_nn_dims *out, int8_t *y)
{
    const max_pool2d_s8_params p = {
        window_of(in, filter, out, params->stride, params->padding, (cmsis_nn_tile){1, 1}), params->activation.min, params->activation.max,
    };
    max_pool2d_s8(&p, x, y);
    return ARM_CMSIS_NN_SUCCESS;
}
