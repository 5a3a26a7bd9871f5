/* Fully connected layers by sums of words: a row of inputs is widened to words in scratch memory; see word_sums.h.
 * The definition is compiler/ops/dense.py; input_rows.py says what is packed. */
#ifndef TAPEOUT_INPUT_ROWS_H
#define TAPEOUT_INPUT_ROWS_H

#include "word_sums.h"

typedef struct {
    int32_t rows;
    sums_params sums;
} input_rows_params;

/* All rows; `compute` computes one. x rows x inputs, y rows x outputs. */
#define INPUT_ROWS(name, compute)                                                                                                       \
    static __attribute__((noinline, unused)) void name(const input_rows_params *p, const int8_t *x, const uint32_t *stream, int8_t *y,  \
                                                       int32_t *inputs)                                                                 \
    {                                                                                                                                   \
        sums_clear(&p->sums, inputs);                                                                                                   \
        for (int32_t row = 0; row < p->rows; row++, x += p->sums.inputs, y += p->sums.outputs) {                                        \
            sums_widen(x, p->sums.inputs, inputs);                                                                                      \
            compute(&p->sums, inputs, stream, y);                                                                                       \
        }                                                                                                                               \
    }

#endif
