/* dense_packed: fully connected layer by packed weights, or of packed bipolar codes.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/dense.py. */
#ifndef TAPEOUT_DENSE_PACKED_H
#define TAPEOUT_DENSE_PACKED_H

#include "packed.h"
#include "stage.h"
#include <stddef.h>

typedef struct {
    int32_t rows, inputs, outputs;
    int32_t x_zero;
    packed_params weights;
    stage_params stage;
} dense_packed_params;

typedef dense_packed_params dense_packed_s8_params;
typedef dense_packed_params dense_packed_s16_params;
typedef dense_packed_params dense_b1_params;

/* x rows x inputs, w outputs x inputs, packed, b outputs in 32 or 64 bits or NULL, y rows x outputs;
 * first and second are the tables of the stage, x_zero a zero point that is computed or NULL.
 * With blocks and without stage y is rows x outputs x blocks. */
static inline void dense_packed(const dense_packed_params *p, held how, const void *x, const void *w, const void *b, const void *first,
                                const void *second, const int32_t *x_zero, void *y)
{
    const int32_t zero = x_zero ? *x_zero : p->x_zero;
    const int32_t x_row = how == HELD_B1 ? packed_bytes(1, p->inputs) : p->inputs;
    const int32_t w_row = packed_bytes(p->weights.bits, p->inputs);
    for (int32_t row = 0; row < p->rows; row++) {
        const int32_t at = row * stage_row(&p->stage, p->outputs);
        for (int32_t o = 0; o < p->outputs; o++) {
            const uint8_t *weights = (const uint8_t *)w + o * w_row;
            int64_t total = 0;
            for (int32_t block = 0; block < p->weights.blocks; block++) {
                const int32_t from = block * p->weights.block;
                const int32_t count = packed_block(&p->weights, p->inputs, block);
                const int64_t sum = stage_bias(&p->stage, b, o, block)
                                    + dot_packed(&p->weights, how, x, row * x_row + from, zero, weights, from, count);
                if (p->stage.raw) {
                    stage_put(&p->stage, y, (at + o) * p->weights.blocks, block, sum);
                }
                total += stage_block(&p->stage, first, o, block, sum);
            }
            if (!p->stage.raw) {
                stage_put(&p->stage, y, at, o, stage_code(&p->stage, first, second, o, total));
            }
        }
    }
}

static inline void dense_packed_s8(const dense_packed_params *p, const int8_t *x, const void *w, const void *b, const void *first,
                                   const void *second, const int32_t *x_zero, void *y)
{
    dense_packed(p, HELD_S8, x, w, b, first, second, x_zero, y);
}

static inline void dense_packed_s16(const dense_packed_params *p, const int16_t *x, const void *w, const void *b, const void *first,
                                    const void *second, const int32_t *x_zero, void *y)
{
    dense_packed(p, HELD_S16, x, w, b, first, second, x_zero, y);
}

/* x rows x inputs and w outputs x inputs of bipolar codes: exclusive or and the number of ones. */
static inline void dense_b1(const dense_packed_params *p, const uint8_t *x, const uint8_t *w, const void *b, const void *first,
                            const void *second, void *y)
{
    dense_packed(p, HELD_B1, x, w, b, first, second, NULL, y);
}

#endif
