/* average_pool2d: average pooling of NHWC tensors.
 * Portable: direct loops, no scratch memory. The definition is compiler/ops/average_pool2d.py. */
#ifndef TAPEOUT_AVERAGE_POOL2D_H
#define TAPEOUT_AVERAGE_POOL2D_H

#include "f16.h"
#include "fixed.h"
#include "window.h"

typedef struct {
    window_params window;
    int32_t count_include_pad; /* whether padding counts in the divisor, as x_zero */
    int32_t x_zero, lo, hi;
    rounding rounding;
} average_pool2d_s8_params;

typedef average_pool2d_s8_params average_pool2d_s16_params;

/* x batches x in_h x in_w x in_c, y batches x out_h x out_w x in_c, codes of 8 bits, or of 16 where they are wide */
static inline void average_pool2d_codes(const average_pool2d_s8_params *p, int32_t wide, const void *x, void *y)
{
    const window_params *g = &p->window;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            const int32_t inside = (at.rows.last - at.rows.first) * (at.columns.last - at.columns.first);
            const int32_t count = p->count_include_pad ? g->k_h * g->k_w : inside;
            for (int32_t channel = 0; channel < g->in_c; channel++) {
                int32_t sum = (count - inside) * p->x_zero;
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                        const int32_t from = at.origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + channel;
                        sum += wide ? ((const int16_t *)x)[from] : ((const int8_t *)x)[from];
                    }
                }
                const int32_t to = row * g->out_row + column * g->out_pixel + channel;
                const int32_t code = clamp(divide(sum, count, p->rounding), p->lo, p->hi);
                if (wide) {
                    ((int16_t *)y)[to] = (int16_t)code;
                } else {
                    ((int8_t *)y)[to] = (int8_t)code;
                }
            }
        }
    }
}

static inline void average_pool2d_s8(const average_pool2d_s8_params *p, const int8_t *x, int8_t *y)
{
    average_pool2d_codes(p, 0, x, y);
}

static inline void average_pool2d_s16(const average_pool2d_s16_params *p, const int16_t *x, int16_t *y)
{
    average_pool2d_codes(p, 1, x, y);
}

typedef struct {
    window_params window;
    int32_t count_include_pad;
    float lo, hi;
} average_pool2d_f32_params;

/* Shapes as above. The sum runs from +0 over i, j; then one division; then the clip. */
static inline void average_pool2d_floats(const average_pool2d_f32_params *p, float_format format, const void *x, void *y)
{
    const window_params *g = &p->window;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            const int32_t inside = (at.rows.last - at.rows.first) * (at.columns.last - at.columns.first);
            const float count = (float)(p->count_include_pad ? g->k_h * g->k_w : inside);
            for (int32_t channel = 0; channel < g->in_c; channel++) {
                float sum = 0.0f;
                for (int32_t i = at.rows.first; i < at.rows.last; i++) {
                    for (int32_t j = at.columns.first; j < at.columns.last; j++) {
                        sum += load_float(x, at.origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + channel, format);
                    }
                }
                const int32_t out = row * g->out_row + column * g->out_pixel + channel;
                store_float(y, out, format, clip_float(sum / count, p->lo, p->hi));
            }
        }
    }
}

typedef average_pool2d_f32_params average_pool2d_f16_params;
typedef average_pool2d_f32_params average_pool2d_bf16_params;

static inline void average_pool2d_f32(const average_pool2d_f32_params *p, const float *x, float *y)
{
    average_pool2d_floats(p, FORMAT_F32, x, y);
}

static inline void average_pool2d_f16(const average_pool2d_f16_params *p, const uint16_t *x, uint16_t *y)
{
    average_pool2d_floats(p, FORMAT_F16, x, y);
}

static inline void average_pool2d_bf16(const average_pool2d_bf16_params *p, const uint16_t *x, uint16_t *y)
{
    average_pool2d_floats(p, FORMAT_BF16, x, y);
}

#endif
