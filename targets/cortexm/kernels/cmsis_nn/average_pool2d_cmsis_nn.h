/* average_pool2d by CMSIS-NN. The definition is compiler/ops/average_pool2d.py. */
#ifndef TAPEOUT_AVERAGE_POOL2D_CMSIS_NN_H
#define TAPEOUT_AVERAGE_POOL2D_CMSIS_NN_H

#include "cmsis_nn.h"

typedef struct {
    window_params window;
    int32_t lo, hi;
    int32_t scratch_bytes;
} average_pool2d_s8_cmsis_nn_params;

/* x batches x in_h x in_w x in_c, y batches x out_h x out_w x in_c, scratch scratch_bytes */
static inline void average_pool2d_s8_cmsis_nn(const average_pool2d_s8_cmsis_nn_params *p, const int8_t *x, int8_t *y, void *scratch)
{
    const window_params *g = &p->window;
    const cmsis_nn_pool_params params = pool_of_window(g, p->lo, p->hi);
    const cmsis_nn_dims in = input_of_window(g), out = output_of_window(g), filter = {.n = 1, .h = g->k_h, .w = g->k_w, .c = 1};
    const cmsis_nn_context context = {.buf = scratch, .size = p->scratch_bytes};
    require_cmsis_nn(arm_avgpool_s8_get_buffer_size(g->out_w, g->in_c) <= p->scratch_bytes);
    require_cmsis_nn(arm_avgpool_s8(&context, &params, &in, x, &filter, &out, y) == ARM_CMSIS_NN_SUCCESS);
}

#endif
