/* dense: fully connected layer for cores without the DSP extension, three sums by two multiplications; see triples.h.
 * The definition is compiler/ops/dense.py; dense_triples.py says what is packed. */
#ifndef TAPEOUT_DENSE_TRIPLES_H
#define TAPEOUT_DENSE_TRIPLES_H

#include "triples.h"

typedef struct {
    int32_t rows;
    triples_params sums;
} dense_s8_triples_params;

#define DENSE_TRIPLES_LAYER(way)                                                                    \
    static __attribute__((noinline, unused)) void dense_triples_##way(const dense_s8_triples_params *p, const int8_t *x, \
                                                                      const uint32_t *stream, int8_t *y, int32_t *inputs) \
    {                                                                                              \
        triples_clear(&p->sums, inputs);                                                           \
        for (int32_t row = 0; row < p->rows; row++, x += p->sums.inputs, y += p->sums.outputs) {    \
            triples_widen(x, p->sums.inputs, inputs);                                              \
            TRIPLES_OUTPUTS(way, &p->sums, inputs, stream, y)                                      \
        }                                                                                          \
    }
TRIPLES_LAYERS(DENSE_TRIPLES_LAYER)

/* x rows x inputs, y rows x outputs; the stream is that of triples.h, scratch the words of a row, in loops. */
static inline void dense_s8_triples(const dense_s8_triples_params *p, const int8_t *x, const uint32_t *stream, int8_t *y, uint8_t *scratch)
{
    TRIPLES_CHOICE(&p->sums, dense_triples)(p, x, stream, y, (int32_t *)(void *)scratch);
}

#endif
