/* depthwise_conv2d: each output channel reads one input channel; NHWC tensors, weights k_h x k_w x out_c.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/depthwise_conv2d.py. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_H
#define TAPEOUT_DEPTHWISE_CONV2D_H

#include "fixed.h"
#include "packed.h"
#include "stage.h"
#include "window.h"
#include <stddef.h>

typedef struct {
    window_params window;
    int32_t multiplier;  /* output channels per input channel */
    int32_t x_zero, y_zero, lo, hi;
    int32_t per_channel; /* whether mul and shift hold one entry per output channel */
    rounding rounding;
} depthwise_conv2d_s8_params;

/* x batches x in_h x in_w x in_c, w k_h x k_w x out_c, b out_c or NULL, y batches x out_h x out_w x out_c.
 * Padding counts as x_zero, so taps outside of x add nothing. */
static inline void depthwise_conv2d_s8(const depthwise_conv2d_s8_params *p, const int8_t *x, const int8_t *w, const int32_t *b,
                                       const int32_t *mul, const int8_t *shift, int8_t *y)
{
    const window_params *g = &p->window;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            for (int32_t o = 0; o < g->out_c; o++) {
                const int32_t channel = p->multiplier == 1 ? o : o / p->multiplier;
                int32_t sum = b ? b[o] : 0;
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                        const int32_t code = x[at.origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + channel];
                        sum += (code - p->x_zero) * w[(i * g->k_w + j) * g->out_c + o];
                    }
                }
                const int32_t scaled = requantize(sum, mul[p->per_channel ? o : 0], shift[p->per_channel ? o : 0], p->rounding);
                y[row * g->out_row + column * g->out_pixel + o] = (int8_t)clamp(scaled + p->y_zero, p->lo, p->hi);
            }
        }
    }
}

typedef struct {
    window_params window;
    int32_t multiplier;
    float lo, hi;
} depthwise_conv2d_f32_params;

/* Shapes as above. The sum runs from +0 over i, j, each product rounded before its sum; then b; then the clip.
 * Padding would add 0 * w to a sum that is never -0, which changes no bit. */
static inline void depthwise_conv2d_f32(const depthwise_conv2d_f32_params *p, const float *x, const float *w, const float *b, float *y)
{
    const window_params *g = &p->window;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            for (int32_t o = 0; o < g->out_c; o++) {
                const int32_t channel = p->multiplier == 1 ? o : o / p->multiplier;
                float sum = 0.0f;
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                        const float element = x[at.origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + channel];
                        sum += element * w[(i * g->k_w + j) * g->out_c + o];
                    }
                }
                sum = b ? sum + b[o] : sum;
                sum = sum < p->lo ? p->lo : sum;
                y[row * g->out_row + column * g->out_pixel + o] = sum > p->hi ? p->hi : sum;
            }
        }
    }
}

typedef struct {
    window_params window;
    int32_t multiplier;
    int32_t x_zero;
    packed_params weights;
    stage_params stage;
} depthwise_conv2d_packed_params;

typedef depthwise_conv2d_packed_params depthwise_conv2d_packed_s8_params;
typedef depthwise_conv2d_packed_params depthwise_conv2d_packed_s16_params;

/* Shapes as above, w packed, b in 32 or 64 bits; first and second are the tables of the stage, x_zero a zero point that is
 * computed or NULL. Taps outside of x add nothing. */
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
