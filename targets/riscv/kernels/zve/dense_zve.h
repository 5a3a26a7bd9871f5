/* dense on vectors, outputs in the lanes: three rows at a time, or one. */
#ifndef TAPEOUT_DENSE_ZVE_H
#define TAPEOUT_DENSE_ZVE_H

#include "layer_zve.h"

typedef struct {
    int32_t rows, inputs, outputs;
    zve_codes codes;
} dense_s8_zve_params;

/* x rows x inputs, w inputs x outputs, table 3 x outputs, y rows x outputs */
static inline void dense_s8_zve(const dense_s8_zve_params *p, const int8_t *x, const int8_t *w, const int32_t *table, const uint16_t *shift,
                                int8_t *y)
{
    const zve_table t = zve_table_of(table, shift, p->outputs);
    int32_t row = 0;
    for (; row + 3 <= p->rows; row += 3, x += 3 * p->inputs, y += 3 * p->outputs) {
        const int8_t *const from[3] = {x, x + p->inputs, x + 2 * p->inputs};
        int8_t *const into[3] = {y, y + p->outputs, y + 2 * p->outputs};
        zve_three_rows(&p->codes, &t, from, p->inputs, w, p->outputs, into);
    }
    for (; row < p->rows; row++, x += p->inputs, y += p->outputs) {
        zve_row(&p->codes, &t, x, p->inputs, w, p->outputs, y);
    }
}

#endif
