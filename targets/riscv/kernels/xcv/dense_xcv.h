/* dense of codes of 8 bits by products of four bytes, two rows at a time where there are several. The definition is compiler/ops/dense.py;
 * dense_xcv.py says what is packed. */
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
    const channel *channels = (const channel *)(const void *)table;
    int32_t left = p->rows;
    for (; left > 1; left -= 2, x += 2 * p->inputs, y += 2 * p->outputs) {
        channels_two(&p->reading, &p->codes, x, x + p->inputs, channels, w, p->outputs, y, y + p->outputs);
    }
    if (left > 0) {
        channels_one(&p->reading, &p->codes, x, channels, w, p->outputs, y);
    }
}

#endif
