/* What the kernels that call CMSIS-NN share: its headers, and the sizes of a window as it takes them. The user's build finds them in the
 * folder that TAPEOUT_CMSIS_NN names. */
#ifndef TAPEOUT_CMSIS_NN_H
#define TAPEOUT_CMSIS_NN_H

#include "window.h"
#include <arm_nnfunctions.h>

/* Stops where CMSIS-NN refuses a layer, or asks for more memory than was planned for the version that tapeout knows. */
static inline void require_cmsis_nn(int holds)
{
    if (!holds) {
        __builtin_trap();
    }
}

static inline cmsis_nn_dims input_of_window(const window_params *g)
{
    return (cmsis_nn_dims){.n = g->batches, .h = g->in_h, .w = g->in_w, .c = g->in_c};
}

static inline cmsis_nn_dims output_of_window(const window_params *g)
{
    return (cmsis_nn_dims){.n = g->batches, .h = g->out_h, .w = g->out_w, .c = g->out_c};
}

static inline cmsis_nn_pool_params pool_of_window(const window_params *g, int32_t lo, int32_t hi)
{
    return (cmsis_nn_pool_params){
        .stride = {.h = g->stride_h, .w = g->stride_w},
        .padding = {.h = g->pad_top, .w = g->pad_left},
        .activation = {.min = lo, .max = hi},
    };
}

#endif
