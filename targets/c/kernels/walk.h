/* Walks over tensors by strides: what broadcasting and reductions share. Made by compiler/strides.py. */
#ifndef TAPEOUT_WALK_H
#define TAPEOUT_WALK_H

#include <stdint.h>

/* How often the last of five axes is run through. */
static inline int32_t walk_rows(const int32_t shape[5])
{
    return shape[0] * shape[1] * shape[2] * shape[3];
}

/* Where run number `row` of the last axis begins in an operand with these strides. */
static inline int32_t walk_offset(const int32_t shape[5], const int32_t stride[5], int32_t row)
{
    int32_t offset = 0;
    for (int32_t axis = 3; axis >= 0; axis--) {
        offset += row % shape[axis] * stride[axis];
        row /= shape[axis];
    }
    return offset;
}

#endif
