/* Sums of two tensors of one shape as a linear function of both codes, for cores without the DSP extension: what add_products and sub_products
 * share. Why it is exact: targets/sum_linear.py. The definition is compiler/elementwise.py. */
#ifndef TAPEOUT_SUM_PRODUCTS_H
#define TAPEOUT_SUM_PRODUCTS_H

#include <stdint.h>

typedef struct {
    int32_t size;
    int32_t x_mul, y_mul, add, shift; /* the code is (x * x_mul + y * y_mul + add) >> shift */
    int32_t lo, hi;
} sum_products_params;

/* x, y and out `size` codes; out may be x or y. A function of its own, as all layers of a network share it; dropped when there are none. */
static __attribute__((noinline, unused)) void sum_products(const sum_products_params *p, const int8_t *x, const int8_t *y, int8_t *out)
{
    const int32_t x_mul = p->x_mul, y_mul = p->y_mul, add = p->add, shift = p->shift, lo = p->lo, hi = p->hi;
    for (const int8_t *end = x + p->size; x < end; x++, y++, out++) {
        int32_t code = (*x * x_mul + *y * y_mul + add) >> shift;
        code = code < lo ? lo : code;
        *out = (int8_t)(code > hi ? hi : code);
    }
}

#endif
