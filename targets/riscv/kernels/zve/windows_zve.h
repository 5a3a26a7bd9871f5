/* Windows of a convolution as rows in scratch, three at a time, so that padding and dilation are the copy's concern alone. */
#ifndef TAPEOUT_WINDOWS_ZVE_H
#define TAPEOUT_WINDOWS_ZVE_H

#include "window.h"
#include <riscv_vector.h>

static inline void zve_fill_bytes(int8_t *to, int8_t code, int32_t count)
{
    size_t vl;
    for (int32_t i = 0; i < count; i += (int32_t)vl) {
        vl = __riscv_vsetvl_e8m8((size_t)(count - i));
        __riscv_vse8_v_i8m8(to + i, __riscv_vmv_v_x_i8m8(code, vl), vl);
    }
}

static inline void zve_copy_bytes(int8_t *to, const int8_t *from, int32_t count)
{
    size_t vl;
    for (int32_t i = 0; i < count; i += (int32_t)vl) {
        vl = __riscv_vsetvl_e8m8((size_t)(count - i));
        __riscv_vse8_v_i8m8(to + i, __riscv_vle8_v_i8m8(from + i, vl), vl);
    }
}

/* The window whose first tap is at row `top` and column `left` of an image x, k_h x k_w x in_c; `zero` for what lies outside. */
static inline void zve_copy_window(const window_params *g, const int8_t *x, int32_t top, int32_t left, int32_t zero, int8_t *to)
{
    const taps rows = taps_inside(top, g->k_h, g->dilation_h, g->in_h), columns = taps_inside(left, g->k_w, g->dilation_w, g->in_w);
    const int32_t inside = columns.last - columns.first;
    const int32_t step = g->dilation_w == 1 ? inside : 1; /* taps that lie side by side */
    if (inside < g->k_w || rows.last - rows.first < g->k_h) {
        zve_fill_bytes(to, (int8_t)zero, g->k_h * g->k_w * g->in_c);
    }
    for (int32_t i = rows.first; i < rows.last; i++) {
        const int8_t *row = x + (top + i * g->dilation_h) * g->in_row;
        for (int32_t j = columns.first; j < columns.last; j += step) {
            zve_copy_bytes(to + (i * g->k_w + j) * g->in_c, row + (left + j * g->dilation_w) * g->in_pixel, step * g->in_c);
        }
    }
}

#endif
