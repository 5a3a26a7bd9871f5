/* Walks over tensors by steps: what broadcasting and reductions share. */
#ifndef TAPEOUT_WALK_H
#define TAPEOUT_WALK_H

#include <stdint.h>

/* How often the last of five axes is run through. */
static inline int32_t walk_rows(const int32_t dims[5])
{
    return dims[0] * dims[1] * dims[2] * dims[3];
}

/* Where run number `row` of the last axis begins in an operand with these steps. */
static inline int32_t walk_offset(const int32_t dims[5], const int32_t steps[5], int32_t row)
{
    int32_t offset = 0;
    for (int32_t axis = 3; axis >= 0; axis--) {
        offset += row % dims[axis] * steps[axis];
        row /= dims[axis];
    }
    return offset;
}

#endif
