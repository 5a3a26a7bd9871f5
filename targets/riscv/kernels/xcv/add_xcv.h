/* add: elementwise sum of two tensors of one shape, a multiply-accumulate for each operand. The definition is compiler/ops/add.py, why it is
 * exact: targets/sum_linear.py. */
#ifndef TAPEOUT_ADD_XCV_H
#define TAPEOUT_ADD_XCV_H

#include "xcv.h"

typedef struct {
    int32_t size;
    int32_t x_mul, y_mul, add, shift; /* the code is (x * x_mul + y * y_mul + add) >> shift */
    int32_t lo, hi;
} add_s8_xcv_params;

/* x, y and out `size` codes; out may be x or y */
static inline void add_s8_xcv(const add_s8_xcv_params *p, const int8_t *x, const int8_t *y, int8_t *out)
{
    const int32_t x_mul = p->x_mul, y_mul = p->y_mul;
    for (const int8_t *end = x + p->size; x < end; x++, y++, out++) {
        int32_t code = xcv_clip8(xcv_mac(xcv_mac(p->add, *x, x_mul), *y, y_mul) >> p->shift);
        code = p->lo > -128 && code < p->lo ? p->lo : code;
        *out = (int8_t)(p->hi < 127 && code > p->hi ? p->hi : code);
    }
}

#endif
