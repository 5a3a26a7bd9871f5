/* What the decoder finds of one instruction. */
#ifndef TAPEOUT_DECODED_H
#define TAPEOUT_DECODED_H

#include "classes.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    unsigned class;
    unsigned registers;         /* of a load or store of several */
    bool loads_program_counter; /* by a load, not a branch */
    bool jumps;                 /* a branch without a condition, where a core's model tells it apart */
} decoded;

static inline unsigned bits_set(uint32_t mask)
{
    unsigned count = 0;
    for (; mask; mask &= mask - 1) {
        count++;
    }
    return count;
}

static inline decoded single(unsigned class)
{
    return (decoded){class, 0, false, false};
}

static inline decoded jump(void)
{
    return (decoded){BRANCH_TAKEN, 0, false, true};
}

static inline decoded several(bool load, unsigned registers, bool loads_program_counter)
{
    return (decoded){load ? LOAD_MULTIPLE : STORE_MULTIPLE, registers, loads_program_counter, false};
}

#endif
