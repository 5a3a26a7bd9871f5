#include "stand_in.h"
#include "../../../../targets/c/kernels/softmax.h"

void arm_softmax_s8(const int8_t *x, int32_t rows, int32_t columns, int32_t mul, int32_t left, int32_t least, int8_t *y)
{
    const softmax_s8_params p = {rows, columns, mul, left, least};
    int32_t exponentials[256];
    softmax_s8(&p, x, y, exponentials);
}
