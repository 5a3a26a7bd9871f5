/* sub: elementwise difference of two tensors of one shape. The definition is compiler/ops/sub.py. */
#ifndef TAPEOUT_SUB_PRODUCTS_H
#define TAPEOUT_SUB_PRODUCTS_H

#include "sum_products.h"

typedef sum_products_params sub_s8_products_params;

/* x, y and out `size` codes; out may be x or y */
static inline void sub_s8_products(const sub_s8_products_params *p, const int8_t *x, const int8_t *y, int8_t *out)
{
    sum_products(p, x, y, out);
}

#endif
