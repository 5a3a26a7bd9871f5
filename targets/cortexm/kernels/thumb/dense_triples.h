/* dense by three sums of two multiplications, see triples.h. */
#ifndef TAPEOUT_DENSE_TRIPLES_H
#define TAPEOUT_DENSE_TRIPLES_H

#include "input_rows.h"
#include "triples.h"

typedef input_rows_params dense_s8_triples_params;

INPUT_ROWS(dense_triples_whole, triples_whole_outputs)
INPUT_ROWS(dense_triples_whole_bent, triples_whole_bent_outputs)
INPUT_ROWS(dense_triples_parts, triples_parts_outputs)
INPUT_ROWS(dense_triples_parts_bent, triples_parts_bent_outputs)

/* scratch: the words of a row, in whole loops. */
static inline void dense_s8_triples(const dense_s8_triples_params *p, const int8_t *x, const uint32_t *stream, int8_t *y, uint8_t *scratch)
{
    TRIPLES_CHOICE(&p->sums, dense_triples)(p, x, stream, y, (int32_t *)(void *)scratch);
}

#endif
