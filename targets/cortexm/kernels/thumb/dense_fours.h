/* dense with weights of bytes, see fours.h. */
#ifndef TAPEOUT_DENSE_FOURS_H
#define TAPEOUT_DENSE_FOURS_H

#include "input_rows.h"
#include "fours.h"

typedef input_rows_params dense_s8_fours_params;

INPUT_ROWS(dense_fours_straight, fours_straight_outputs)
INPUT_ROWS(dense_fours_bent, fours_bent_outputs)

/* scratch: the words of a row, in whole loops. */
static inline void dense_s8_fours(const dense_s8_fours_params *p, const int8_t *x, const uint32_t *stream, int8_t *y, uint8_t *scratch)
{
    (p->sums.bent ? dense_fours_bent : dense_fours_straight)(p, x, stream, y, (int32_t *)(void *)scratch);
}

#endif
