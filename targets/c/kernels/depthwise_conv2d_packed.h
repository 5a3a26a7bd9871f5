/* depthwise_conv2d_packed: depthwise convolution by packed weights.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/depthwise_conv2d.py. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_PACKED_H
#define TAPEOUT_DEPTHWISE_CONV2D_PACKED_H

#include "packed.h"
#include "stage.h"
#include "window.h"
#include <stddef.h>

typedef struct {
    window_params window;
    int32_t multiplier;
    int32_t x_zero;
    packed_params weights;
    stage_params stage;
} depthwise_conv2d_packed_params;

typedef depthwise_conv2d_packed_params depthwise_conv2d_packed_s8_params;
typedef depthwise_conv2d_packed_params depthwise_conv2d_packed_s16_params;

/* x batches x in_h x in_w x in_c, w k_h x k_w x out_c, packed, b out_c in 32 or 64 bits or NULL,
 * y batches x out_h x out_w x out_c;
 * first and second are the tables of the stage, x_zero a zero point that is computed or NULL.
 * Taps outside of x add nothing. */
static inline void depthwise_conv2d_packed(const depthwise_conv2d_packed_params *p, held how, const void *x, const uint8_t *w, const void *b,
                                           const void *first, const void *second, const int32_t *x_zero, void *y)
{
    const window_params *g = &p->window;
    const int32_t zero = x_zero ? *x_zero : p->x_zero;
    const int32_t w_row = packed_bytes(p->weights.bits, g->out_c);
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window from = window_at(g, row, column);
            const int32_t at = row * g->out_row + column * g->out_pixel;
            for (int32_t o = 0; o < g->out_c; o++) {
                const int32_t channel = from.origin + (p->multiplier == 1 ? o : o / p->multiplier);
                int64_t sum = stage_bias(&p->stage, b, o, 0);
                for (int32_t i = from.rows.first; i < from.rows.last; i++) {
                    for (int32_t j = from.columns.first; j < from.columns.last; j++) {
                        const int32_t in = channel + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel;
                        const int32_t number = packed_number(p->weights, w + (i * g->k_w + j) * w_row, o);
                        if (how == HELD_S8) {
                            sum += (((const int8_t *)x)[in] - zero) * number;
                        } else {
                            sum += (int64_t)(((const int16_t *)x)[in] - zero) * number;
                        }
                    }
                }
                stage_put(&p->stage, y, at, o, p->stage.raw ? sum : stage_code(&p->stage, first, second, o, sum));
            }
        }
    }
}

static inline void depthwise_conv2d_packed_s8(const depthwise_conv2d_packed_params *p, const int8_t *x, const void *w, const void *b,
                                              const void *first, const void *second, const int32_t *x_zero, void *y)
{
    depthwise_conv2d_packed(p, HELD_S8, x, (const uint8_t *)w, b, first, second, x_zero, y);
}

static inline void depthwise_conv2d_packed_s16(const depthwise_conv2d_packed_params *p, const int16_t *x, const void *w, const void *b,
                                               const void *first, const void *second, const int32_t *x_zero, void *y)
{
    depthwise_conv2d_packed(p, HELD_S16, x, (const uint8_t *)w, b, first, second, x_zero, y);
}

#endif
