/* Sums of 64 bits and their codes. Why nothing overflows: compiler/passes/check_accumulators.py. The twin is targets/cortexm/wide.py. */
#ifndef TAPEOUT_WIDE_H
#define TAPEOUT_WIDE_H

#include "dsp.h"

/* Of a channel: where its sums begin, half of what is shifted out, and what turns a sum into a code. */
typedef struct {
    uint32_t bias_low;
    int32_t bias_high;
    uint32_t half_low;
    int32_t half_high;
    int32_t mul, shift, zero;
} wide;

static inline int64_t wide_bias(const wide *p)
{
    return (int64_t)((uint64_t)(uint32_t)p->bias_high << 32 | p->bias_low);
}

/* The code of a sum, rounded half up, or down where `half` is 0. */
static inline int32_t wide_code(const wide *p, int64_t sum, int32_t lo, int32_t hi)
{
    const int64_t half = (int64_t)((uint64_t)(uint32_t)p->half_high << 32 | p->half_low);
    const int64_t code = ((sum * p->mul + half) >> p->shift) + p->zero;
    return code < lo ? lo : code > hi ? hi : (int32_t)code;
}

#endif
