/* softmax by CMSIS-NN. The definition is compiler/ops/softmax.py. */
#ifndef TAPEOUT_SOFTMAX_CMSIS_NN_H
#define TAPEOUT_SOFTMAX_CMSIS_NN_H

#include "cmsis_nn.h"

typedef struct {
    int32_t rows, columns;
    int32_t mul, left, least; /* as those of softmax_s8 */
} softmax_s8_cmsis_nn_params;

/* x and y rows x columns */
static inline void softmax_s8_cmsis_nn(const softmax_s8_cmsis_nn_params *p, const int8_t *x, int8_t *y)
{
    arm_softmax_s8(x, p->rows, p->columns, p->mul, p->left, p->least, y);
}

#endif
