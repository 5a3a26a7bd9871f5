#include "stand_in.h"
#include "../../../../targets/c/kernels/conv2d.h"

int32_t arm_convolve_wrapper_s8_get_buffer_size(const cmsis_nn_conv_params *params, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                                                const cmsis_nn_dims *out)
{
    const int one = filter->h * filter->w == 1 && params->padding.h + params->padding.w == 0 && params->dilation.h * params->dilation.w == 1;
    return one && filter->c == in->c ? 0 : filter->h * filter->w * filter->c;
}

arm_cmsis_nn_status arm_convolve_wrapper_s8(const cmsis_nn_context *context, const cmsis_nn_conv_params *params,
                                            const cmsis_nn_per_channel_quant_params *quant, const cmsis_nn_dims *in, const int8_t *x,
                                            const cmsis_nn_dims *filter, const int8_t *w, const cmsis_nn_dims *bias, const int32_t *b,
                                            const cmsis_nn_dims *out, int8_t *y)
{
    const conv2d_s8_params p = {
        window_of(in, filter, out, params->stride, params->padding, params->dilation), in->c / filter->c, -params->input_offset,
        params->output_offset, params->activation.min, params->activation.max, 1, BUILD_ROUNDING,
    };
    int8_t shift[1024];
    for (int32_t o = 0; o < out->c; o++) {
        shift[o] = (int8_t)(31 - quant->shift[o]);
    }
    overwrite(context);
    conv2d_s8(&p, x, w, b, quant->multiplier, shift, y);
    return ARM_CMSIS_NN_SUCCESS;
}
