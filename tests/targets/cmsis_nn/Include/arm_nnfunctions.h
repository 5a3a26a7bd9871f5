/* A stand-in for CMSIS-NN: what the kernels of the back end use of its interface, run by the portable kernels of tapeout. Functions that
 * take a buffer overwrite it. */
#ifndef ARM_NNFUNCTIONS_H
#define ARM_NNFUNCTIONS_H

#include <stdint.h>

typedef enum { ARM_CMSIS_NN_SUCCESS = 0, ARM_CMSIS_NN_ARG_ERROR = -1 } arm_cmsis_nn_status;
typedef struct { int32_t w, h; } cmsis_nn_tile;
typedef struct { void *buf; int32_t size; } cmsis_nn_context;
typedef struct { int32_t n, h, w, c; } cmsis_nn_dims;
typedef struct { int32_t min, max; } cmsis_nn_activation;
typedef struct { int32_t *multiplier, *shift; } cmsis_nn_per_channel_quant_params;
typedef struct { int32_t *multiplier, *shift, is_per_channel; } cmsis_nn_quant_params;
typedef struct {
    int32_t input_offset, output_offset;
    cmsis_nn_tile stride, padding, dilation;
    cmsis_nn_activation activation;
} cmsis_nn_conv_params;
typedef struct {
    int32_t input_offset, output_offset, ch_mult;
    cmsis_nn_tile stride, padding, dilation;
    cmsis_nn_activation activation;
} cmsis_nn_dw_conv_params;
typedef struct {
    int32_t input_offset, filter_offset, output_offset;
    cmsis_nn_activation activation;
} cmsis_nn_fc_params;
typedef struct {
    cmsis_nn_tile stride, padding;
    cmsis_nn_activation activation;
} cmsis_nn_pool_params;

int32_t arm_convolve_wrapper_s8_get_buffer_size(const cmsis_nn_conv_params *, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                                                const cmsis_nn_dims *out);
arm_cmsis_nn_status arm_convolve_wrapper_s8(const cmsis_nn_context *, const cmsis_nn_conv_params *, const cmsis_nn_per_channel_quant_params *,
                                            const cmsis_nn_dims *in, const int8_t *x, const cmsis_nn_dims *filter, const int8_t *w,
                                            const cmsis_nn_dims *bias, const int32_t *b, const cmsis_nn_dims *out, int8_t *y);
int32_t arm_depthwise_conv_wrapper_s8_get_buffer_size(const cmsis_nn_dw_conv_params *, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                                                      const cmsis_nn_dims *out);
arm_cmsis_nn_status arm_depthwise_conv_wrapper_s8(const cmsis_nn_context *, const cmsis_nn_dw_conv_params *,
                                                  const cmsis_nn_per_channel_quant_params *, const cmsis_nn_dims *in, const int8_t *x,
                                                  const cmsis_nn_dims *filter, const int8_t *w, const cmsis_nn_dims *bias, const int32_t *b,
                                                  const cmsis_nn_dims *out, int8_t *y);
int32_t arm_fully_connected_s8_get_buffer_size(const cmsis_nn_dims *filter);
arm_cmsis_nn_status arm_fully_connected_wrapper_s8(const cmsis_nn_context *, const cmsis_nn_fc_params *, const cmsis_nn_quant_params *,
                                                   const cmsis_nn_dims *in, const int8_t *x, const cmsis_nn_dims *filter, const int8_t *w,
                                                   const cmsis_nn_dims *bias, const int32_t *b, const cmsis_nn_dims *out, int8_t *y);
int32_t arm_avgpool_s8_get_buffer_size(int out_w, int channels);
arm_cmsis_nn_status arm_avgpool_s8(const cmsis_nn_context *, const cmsis_nn_pool_params *, const cmsis_nn_dims *in, const int8_t *x,
                                   const cmsis_nn_dims *filter, const cmsis_nn_dims *out, int8_t *y);
arm_cmsis_nn_status arm_max_pool_s8(const cmsis_nn_context *, const cmsis_nn_pool_params *, const cmsis_nn_dims *in, const int8_t *x,
                                    const cmsis_nn_dims *filter, const cmsis_nn_dims *out, int8_t *y);
arm_cmsis_nn_status arm_elementwise_add_s8(const int8_t *x, const int8_t *y, int32_t x_offset, int32_t x_mul, int32_t x_shift,
                                           int32_t y_offset, int32_t y_mul, int32_t y_shift, int32_t left, int8_t *out, int32_t out_offset,
                                           int32_t out_mul, int32_t out_shift, int32_t lo, int32_t hi, int32_t size);
void arm_softmax_s8(const int8_t *x, int32_t rows, int32_t columns, int32_t mul, int32_t left, int32_t least, int8_t *y);

#endif
