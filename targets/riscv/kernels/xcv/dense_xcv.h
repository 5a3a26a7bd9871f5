/* dense of codes of 8 bits by products of four bytes, three rows at a time where there are several. The definition is
 * compiler/ops/dense.py; dense_xcv.py says what is packed. */
#ifndef TAPEOUT_DENSE_XCV_H
#define TAPEOUT_DENSE_XCV_H

#include "channels.h"

typedef struct {
    int32_t rows, inputs, outputs;
    channel_window reading; /* how a row lies in x */
    channel_codes codes;
} dense_s8_xcv_params;

/* x rows x inputs, a table entry per output and some that are not there, weights as words of four outputs, y rows x outputs */
static inline void dense_s8_xcv(const dense_s8_xcv_params *p, const int8_t *x, const int32_t *table, const uint32_t *w, int8_t *y)
    __attribute__((always_inline));
static inline void dense_s8_xcv(const dense_s8_xcv_params *p, const int8_t *x, const int32_t *table, const uint32_t *w, int8_t *y)
{
    channels_row(p->rows, &p->reading, &p->codes, x, p->inputs, table, w, p->outputs, y, p->outputs);
}

#endif
