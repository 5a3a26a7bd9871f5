/* add by CMSIS-NN. The definition is compiler/ops/add.py. */
#ifndef TAPEOUT_ADD_CMSIS_NN_H
#define TAPEOUT_ADD_CMSIS_NN_H

#include "cmsis_nn.h"

typedef struct {
    int32_t size;
    int32_t x_zero, x_mul, x_shift; /* shifts to the left */
    int32_t y_zero, y_mul, y_shift;
    int32_t left, out_mul, out_shift, out_zero, lo, hi;
} add_s8_cmsis_nn_params;

/* x, y and out size */
static inline void add_s8_cmsis_nn(const add_s8_cmsis_nn_params *p, const int8_t *x, const int8_t *y, int8_t *out)
{
    require_cmsis_nn(arm_elementwise_add_s8(x, y, -p->x_zero, p->x_mul, p->x_shift, -p->y_zero, p->y_mul, p->y_shift, p->left,
                                            out, p->out_zero, p->out_mul, p->out_shift, p->lo, p->hi, p->size)
                     == ARM_CMSIS_NN_SUCCESS);
}

#endif
