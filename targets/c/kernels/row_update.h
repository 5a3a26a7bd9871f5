/* What the updates of fully connected layers of one row share. Portable. The definition is compiler/row_update.py. */
#ifndef TAPEOUT_ROW_UPDATE_H
#define TAPEOUT_ROW_UPDATE_H

#include "f16.h"

/* Moves output o of a layer by s: its row of w, of as many elements as the layer has inputs, and its element of b. */
static inline void update_row(int32_t inputs, int32_t o, float s, float_format format, float_format bias, const void *w, const void *b,
                              const void *x, void *next_w, void *next_b)
{
    for (int32_t i = 0; i < inputs; i++) {
        const int32_t at = o * inputs + i;
        store_float(next_w, at, format, load_float(w, at, format) - s * load_float(x, i, format));
    }
    store_float(next_b, o, bias, load_float(b, o, bias) - s);
}

#endif
