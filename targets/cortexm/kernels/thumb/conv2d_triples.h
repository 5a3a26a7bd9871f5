/* conv2d by three sums of two multiplications, see triples.h, over the windows of conv_windows.h. */
#ifndef TAPEOUT_CONV2D_TRIPLES_H
#define TAPEOUT_CONV2D_TRIPLES_H

#include "conv_windows.h"
#include "triples.h"

typedef conv_windows_params conv2d_s8_triples_params;

CONV_WINDOWS(conv2d_triples_whole, triples_whole_outputs)
CONV_WINDOWS(conv2d_triples_whole_bent, triples_whole_bent_outputs)
CONV_WINDOWS(conv2d_triples_parts, triples_parts_outputs)
CONV_WINDOWS(conv2d_triples_parts_bent, triples_parts_bent_outputs)

/* scratch: the words of a window, in whole loops. */
static inline void conv2d_s8_triples(const conv2d_s8_triples_params *p, const int8_t *x, const uint32_t *stream, int8_t *y, uint8_t *scratch)
{
    TRIPLES_CHOICE(&p->sums, conv2d_triples)(p, x, stream, y, (int32_t *)(void *)scratch);
}

#endif
