/* max_pool2d by CMSIS-NN. The definition is compiler/ops/max_pool2d.py. */
#ifndef TAPEOUT_MAX_POOL2D_CMSIS_NN_H
#define TAPEOUT_MAX_POOL2D_CMSIS_NN_H

#include "cmsis_nn.h"

typedef struct {
    window_params window;
    int32_t lo, hi;
} max_pool2d_s8_cmsis_nn_params;

/* x batches x in_h x in_w x in_c, y batches x out_h x out_w x in_c */
static inline void max_pool2d_s8_cmsis_nn(const max_pool2d_s8_cmsis_nn_params *p, const int8_t *x, int8_t *y)
{
    const window_params *g = &p->window;
    const cmsis_nn_pool_params params = pool_of_window(g, p->lo, p->hi);
    const cmsis_nn_dims in = input_of_window(g), out = output_of_window(g), filter = {.n = 1, .h = g->k_h, .w = g->k_w, .c = 1};
    const cmsis_nn_context context = {.buf = 0, .size = 0};
    require_cmsis_nn(arm_max_pool_s8(&context, &params, &in, x, &filter, &out, y) == ARM_CMSIS_NN_SUCCESS);
}

#endif
