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
    return (decoded){class, 0, false};
}

static inline decoded several(bool load, unsigned registers, bool loads_program_counter)
{
    return (decoded){load ? LOAD_MULTIPLE : STORE_MULTIPLE, registers, loads_program_counter};
}

#endif
