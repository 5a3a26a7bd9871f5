/* stage: how a sum becomes an element of the output: by a multiplier, by one for each of its blocks, by thresholds, or as it is.
 * The definitions are Requant.apply in compiler/ops/requant.py and Threshold.apply in compiler/ops/threshold.py. */
#ifndef TAPEOUT_STAGE_H
#define TAPEOUT_STAGE_H

#include "fixed.h"

/* `first` and `second` below are the node's tables: multipliers and shifts, or thresholds and directions. */
typedef struct {
    int32_t y_bits;        /* of an element of the output: 1, packed, or 8, 16, 32, 64 */
    int32_t wide;          /* whether sums have 64 bits, and thresholds with them */
    int32_t wide_bias;
    int32_t raw;           /* whether sums are the output */
    int32_t blocks;        /* sums of a channel, each with a multiplier if there is more than one */
    int32_t per_channel;   /* whether the tables hold one entry per channel */
    int32_t levels, step;  /* thresholds of a channel, 0 when there are multipliers instead */
    int32_t y_zero, lo, hi;
    rounding rounding;
} stage_params;

/* What a row of `count` outputs takes: elements, or bytes of packed codes. */
static inline int32_t stage_row(const stage_params *p, int32_t count)
{
    return p->y_bits == 1 ? (count + 7) / 8 : count;
}

/* Where the sum of a block begins: the first one at the bias, if there is any. */
static inline int64_t stage_bias(const stage_params *p, const void *b, int32_t o, int32_t block)
{
    if (!b || block > 0) {
        return 0;
    }
    return p->wide_bias ? ((const int64_t *)b)[o] : ((const int32_t *)b)[o];
}

/* Writes output `o` of a row that begins at `at`, which counts as stage_row does. Outputs of a row come in order. */
static inline void stage_put(const stage_params *p, void *y, int32_t at, int32_t o, int64_t value)
{
    switch (p->y_bits) {
    case 1: {
        uint8_t *byte = (uint8_t *)y + at + o / 8;
        *byte = (uint8_t)((o % 8 ? *byte : 0) | (int32_t)value << o % 8);
        break;
    }
    case 8:
        ((uint8_t *)y)[at + o] = (uint8_t)value;
        break;
    case 16:
        ((uint16_t *)y)[at + o] = (uint16_t)value;
        break;
    case 32:
        ((int32_t *)y)[at + o] = (int32_t)value;
        break;
    default:
        ((int64_t *)y)[at + o] = value;
    }
}

/* What the sum of a block adds to its channel. */
static inline int64_t stage_block(const stage_params *p, const void *first, int32_t o, int32_t block, int64_t sum)
{
    return p->blocks > 1 && !p->raw ? sum * ((const int32_t *)first)[o * p->blocks + block] : sum;
}

/* How many of a channel's thresholds a sum reaches. They are in order, so that those reached come first. */
static inline int32_t stage_reached(const stage_params *p, const void *t, int32_t channel, int32_t descending, int64_t sum)
{
    int32_t reached = 0;
    int32_t end = p->levels;
    while (reached < end) {
        const int32_t k = (reached + end) / 2;
        const int32_t at = channel * p->levels + k;
        const int64_t bound = p->wide ? ((const int64_t *)t)[at] : ((const int32_t *)t)[at];
        if (descending ? sum <= bound : sum >= bound) {
            reached = k + 1;
        } else {
            end = k;
        }
    }
    return reached;
}

/* The code of channel `o` for its sum, or for the sum of what its blocks add. The compiler has proved that nothing here leaves
 * 64 bits, nor 32 bits where sums have 32 and a single multiplier: compiler/passes/check_accumulators.py. */
static inline int64_t stage_code(const stage_params *p, const void *first, const void *second, int32_t o, int64_t sum)
{
    const int32_t channel = p->per_channel ? o : 0;
    if (p->levels > 0) {
        return p->lo + p->step * stage_reached(p, first, channel, ((const int8_t *)second)[channel], sum);
    }
    const int32_t shift = ((const int8_t *)second)[channel];
    if (p->blocks == 1 && !p->wide) {
        const int32_t scaled = requantize((int32_t)sum, ((const int32_t *)first)[channel], shift, p->rounding);
        return clamp(scaled + p->y_zero, p->lo, p->hi);
    }
    const int64_t product = p->blocks == 1 ? sum * ((const int32_t *)first)[channel] : sum;
    const int64_t code = shift_right(product, shift, p->rounding) + p->y_zero;
    return code < p->lo ? p->lo : code > p->hi ? p->hi : code;
}

#endif
