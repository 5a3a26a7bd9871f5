/* conv2d on vectors, output channels in the lanes: three pixels at a time, whose windows are copied to scratch, or are read where they lie
 * when a window is a pixel. */
#ifndef TAPEOUT_CONV2D_ZVE_H
#define TAPEOUT_CONV2D_ZVE_H

#include "layer_zve.h"
#include "windows_zve.h"

typedef struct {
    window_params window;
    int32_t x_zero;
    zve_codes codes;
} conv2d_s8_zve_params;

typedef conv2d_s8_zve_params conv2d_s8_zve_pixels_params;

/* x batches x in_h x in_w x in_c, w k_h x k_w x in_c x out_c, table 3 x out_c, y batches x out_h x out_w x out_c; scratch three windows */
static inline void conv2d_s8_zve(const conv2d_s8_zve_params *p, const int8_t *x, const int8_t *w, const int32_t *table, const uint16_t *shift,
                                 int8_t *y, uint8_t *scratch)
{
    const window_params *g = &p->window;
    const zve_table t = zve_table_of(table, shift, g->out_c);
    const int32_t count = g->k_h * g->k_w * g->in_c, last = g->batches * g->out_h * g->out_w - 1;
    int8_t *const copies[3] = {(int8_t *)scratch, (int8_t *)scratch + count, (int8_t *)scratch + 2 * count};
    int8_t *to[3] = {y, y, y};
    int32_t held = 0, pixel = 0;
    for (int32_t batch = 0; batch < g->batches; batch++) {
        for (int32_t row = 0; row < g->out_h; row++) {
            for (int32_t column = 0; column < g->out_w; column++, pixel++) {
                zve_copy_window(g, x + batch * g->in_h * g->in_row, row * g->stride_h - g->pad_top, column * g->stride_w - g->pad_left,
                                p->x_zero, copies[held]);
                to[held++] = y + (batch * g->out_h + row) * g->out_row + column * g->out_pixel;
                if (held == 3 || pixel == last) {
                    const int8_t *const from[3] = {copies[0], copies[held > 1 ? 1 : 0], copies[held - 1]};
                    int8_t *const into[3] = {to[0], to[held > 1 ? 1 : 0], to[held - 1]};
                    zve_three_rows(&p->codes, &t, from, count, w, g->out_c, into);
                    held = 0;
                }
            }
        }
    }
}

/* x pixels x in_c, w in_c x out_c, y pixels x out_c */
static inline void conv2d_s8_zve_pixels(const conv2d_s8_zve_pixels_params *p, const int8_t *x, const int8_t *w, const int32_t *table,
                                        const uint16_t *shift, int8_t *y)
{
    const window_params *g = &p->window;
    const zve_table t = zve_table_of(table, shift, g->out_c);
    const int32_t pixels = g->batches * g->out_h * g->out_w;
    for (int32_t i = 0; i < pixels; i += 3) {
        const int32_t second = i + 1 < pixels ? i + 1 : i, third = i + 2 < pixels ? i + 2 : second;
        const int8_t *const from[3] = {x + i * g->in_c, x + second * g->in_c, x + third * g->in_c};
        int8_t *const into[3] = {y + i * g->out_c, y + second * g->out_c, y + third * g->out_c};
        zve_three_rows(&p->codes, &t, from, g->in_c, w, g->out_c, into);
    }
}

#endif
