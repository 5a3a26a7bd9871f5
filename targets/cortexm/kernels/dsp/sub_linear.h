/* sub: elementwise difference of two tensors of one shape. The definition is compiler/ops/sub.py. */
#ifndef TAPEOUT_SUB_LINEAR_H
#define TAPEOUT_SUB_LINEAR_H

#include "sum_linear.h"

typedef sum_linear_params sub_s8_linear_params;

/* x, y and out `size` codes; out may be x or y */
static inline void sub_s8_linear(const sub_s8_linear_params *p, const int8_t *x, const int8_t *y, int8_t *out)
    __attribute__((always_inline));
static inline void sub_s8_linear(const sub_s8_linear_params *p, const int8_t *x, const int8_t *y, int8_t *out)
{
    sum_linear(p, x, y, out);
}

#endif
