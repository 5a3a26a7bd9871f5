/* depthwise_conv2d by CMSIS-NN. The definition is compiler/ops/depthwise_conv2d.py. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_CMSIS_NN_H
#define TAPEOUT_DEPTHWISE_CONV2D_CMSIS_NN_H

#include "cmsis_nn.h"

typedef struct {
    window_params window;
    int32_t x_zero, y_zero, lo, hi;
    int32_t scratch_bytes;
} depthwise_conv2d_s8_cmsis_nn_params;

/* x batches x in_h x in_w x in_c, w k_h x k_w x out_c, b, mul and shift (to the left) out_c, scratch scratch_bytes */
static inline void depthwise_conv2d_s8_cmsis_nn(const depthwise_conv2d_s8_cmsis_nn_params *p, const int8_t *x, const int8_t *w,
                                                const int32_t *b, const int32_t *mul, const int32_t *shift, int8_t *y, void *scratch)
{
    const window_params *g = &p->window;
    const cmsis_nn_dw_conv_params params = {
        .input_offset = -p->x_zero,
        .output_offset = p->y_zero,
        .ch_mult = g->out_c / g->in_c,
        .stride = {.h = g->stride_h, .w = g->stride_w},
        .padding = {.h = g->pad_top, .w = g->pad_left},
        .dilation = {.h = g->dilation_h, .w = g->dilation_w},
        .activation = {.min = p->lo, .max = p->hi},
    };
    const cmsis_nn_per_channel_quant_params quant = {.multiplier = (int32_t *)mul, .shift = (int32_t *)shift};
    const cmsis_nn_dims in = input_of_window(g), out = output_of_window(g), bias = {.n = 1, .h = 1, .w = 1, .c = g->out_c};
    const cmsis_nn_dims filter = {.n = 1, .h = g->k_h, .w = g->k_w, .c = g->out_c};
    const cmsis_nn_context context = {.buf = scratch, .size = p->scratch_bytes};
    require_cmsis_nn(arm_depthwise_conv_wrapper_s8_get_buffer_size(&params, &in, &filter, &out) <= p->scratch_bytes);
    require_cmsis_nn(arm_depthwise_conv_wrapper_s8(&context, &params, &quant, &in, x, &filter, w, &bias, b, &out, y)
                     == ARM_CMSIS_NN_SUCCESS);
}

#endif
