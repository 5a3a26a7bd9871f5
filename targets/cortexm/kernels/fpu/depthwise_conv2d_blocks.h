/* depthwise_conv2d of floats on a scalar float unit: four channels of a pixel at a time, or of four pixels, as float_blocks.h says;
 * channels that are left over one by one. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_BLOCKS_H
#define TAPEOUT_DEPTHWISE_CONV2D_BLOCKS_H

#include "float_blocks.h"
#include "lines.h"

typedef struct {
    window_params window;
    int32_t down; /* whether the four lie below one another */
    float lo, hi;
} depthwise_conv2d_f32_blocks_params;

typedef depthwise_conv2d_f32_blocks_params depthwise_conv2d_f16_blocks_params;
typedef depthwise_conv2d_f32_blocks_params depthwise_conv2d_bf16_blocks_params;

/* Inlined, so that parameters, formats and counts are constants of the loops. */
static inline void depthwise_conv2d_blocks_sums(const window_params *, float_format, int32_t, int32_t, const window *, const void *,
                                                const void *, int32_t, float *) __attribute__((always_inline));
static inline float depthwise_conv2d_blocks_sum(const window_params *, float_format, const window *, const void *, const void *, int32_t)
    __attribute__((always_inline));
static inline void depthwise_conv2d_blocks_pixels(const depthwise_conv2d_f32_blocks_params *, float_format, int32_t, const image_lines *,
                                                  const window *, const void *, const void *, const float *, void *, int32_t)
    __attribute__((always_inline));
static inline void depthwise_conv2d_blocks(const depthwise_conv2d_f32_blocks_params *, float_format, const void *, const void *,
                                           const float *, void *) __attribute__((always_inline));

/* The sums of four channels from `channel` on, of one pixel or of four whose windows lie `apart`; sums BLOCK x BLOCK, the channels of the first pixel first. */
static inline void depthwise_conv2d_blocks_sums(const window_params *g, float_format format, int32_t pixels, int32_t apart,
                                                const window *at, const void *x, const void *w, int32_t channel, float *sums)
{
    float a0 = 0.0f, a1 = 0.0f, a2 = 0.0f, a3 = 0.0f, b0 = 0.0f, b1 = 0.0f, b2 = 0.0f, b3 = 0.0f;
    float c0 = 0.0f, c1 = 0.0f, c2 = 0.0f, c3 = 0.0f, d0 = 0.0f, d1 = 0.0f, d2 = 0.0f, d3 = 0.0f;
    for (int32_t i = at->rows.first; i < at->rows.last; i++) {
        for (int32_t j = at->columns.first; j < at->columns.last; j++) {
            const int32_t tap = (i * g->k_w + j) * g->out_c + channel;
            const float w0 = load_float(w, tap, format), w1 = load_float(w, tap + 1, format);
            const float w2 = load_float(w, tap + 2, format), w3 = load_float(w, tap + 3, format);
            int32_t in = at->origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + channel;
            a0 += load_float(x, in, format) * w0, a1 += load_float(x, in + 1, format) * w1;
            a2 += load_float(x, in + 2, format) * w2, a3 += load_float(x, in + 3, format) * w3;
            if (pixels == BLOCK) {
                in += apart;
                b0 += load_float(x, in, format) * w0, b1 += load_float(x, in + 1, format) * w1;
                b2 += load_float(x, in + 2, format) * w2, b3 += load_float(x, in + 3, format) * w3;
                in += apart;
                c0 += load_float(x, in, format) * w0, c1 += load_float(x, in + 1, format) * w1;
                c2 += load_float(x, in + 2, format) * w2, c3 += load_float(x, in + 3, format) * w3;
                in += apart;
                d0 += load_float(x, in, format) * w0, d1 += load_float(x, in + 1, format) * w1;
                d2 += load_float(x, in + 2, format) * w2, d3 += load_float(x, in + 3, format) * w3;
            }
        }
    }
    sums[0] = a0, sums[1] = a1, sums[2] = a2, sums[3] = a3;
    sums[4] = b0, sums[5] = b1, sums[6] = b2, sums[7] = b3;
    sums[8] = c0, sums[9] = c1, sums[10] = c2, sums[11] = c3;
    sums[12] = d0, sums[13] = d1, sums[14] = d2, sums[15] = d3;
}

/* The sum of one channel of one pixel. */
static inline float depthwise_conv2d_blocks_sum(const window_params *g, float_format format, const window *at, const void *x,
                                                const void *w, int32_t channel)
{
    float sum = 0.0f;
    for (int32_t i = at->rows.first; i < at->rows.last; i++) {
        for (int32_t j = at->columns.first; j < at->columns.last; j++) {
            const int32_t in = at->origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel + channel;
            sum += load_float(x, in, format) * load_float(w, (i * g->k_w + j) * g->out_c + channel, format);
        }
    }
    return sum;
}

/* All channels of one pixel, or of four. */
static inline void depthwise_conv2d_blocks_pixels(const depthwise_conv2d_f32_blocks_params *p, float_format format, int32_t pixels,
                                                  const image_lines *lines, const window *at, const void *x, const void *w,
                                                  const float *b, void *y, int32_t out)
{
    const window_params *g = &p->window;
    const int32_t whole = g->out_c / BLOCK * BLOCK;
    for (int32_t channel = 0; channel < whole; channel += BLOCK) {
        float sums[BLOCK * BLOCK];
        depthwise_conv2d_blocks_sums(g, format, pixels, lines->in, at, x, w, channel, sums);
        for (int32_t pixel = 0; pixel < pixels; pixel++) {
            block_store(format, sums + pixel * BLOCK, b + channel, p->lo, p->hi, BLOCK, y, out + pixel * lines->out + channel);
        }
    }
    window next = *at;
    for (int32_t pixel = 0; pixel < pixels; pixel++, next.origin += lines->in) {
        for (int32_t channel = whole; channel < g->out_c; channel++) {
            const float sum = depthwise_conv2d_blocks_sum(g, format, &next, x, w, channel);
            block_store(format, &sum, b + channel, p->lo, p->hi, 1, y, out + pixel * lines->out + channel);
        }
    }
}

static inline void depthwise_conv2d_blocks(const depthwise_conv2d_f32_blocks_params *p, float_format format, const void *x, const void *w,
                                           const float *b, void *y)
{
    const window_params *g = &p->window;
    const image_lines lines = lines_of(g, p->down);
    for (line_place at = {0, 0, 0}; at.batch < g->batches;) {
        const window from = window_of(g, &lines, &at);
        const int32_t out = output_of(g, &lines, &at);
        if (pixels_at(&lines, at.place, BLOCK) == BLOCK) {
            depthwise_conv2d_blocks_pixels(p, format, BLOCK, &lines, &from, x, w, b, y, out);
            next_place(&lines, &at, BLOCK);
        } else {
            depthwise_conv2d_blocks_pixels(p, format, 1, &lines, &from, x, w, b, y, out);
            next_place(&lines, &at, 1);
        }
    }
}

/* x batches x in_h x in_w x in_c, w k_h x k_w x in_c, b in_c, y batches x out_h x out_w x in_c */
static inline void depthwise_conv2d_f32_blocks(const depthwise_conv2d_f32_blocks_params *p, const float *x, const float *w, const float *b,
                                               float *y)
{
    depthwise_conv2d_blocks(p, FORMAT_F32, x, w, b, y);
}

static inline void depthwise_conv2d_f16_blocks(const depthwise_conv2d_f16_blocks_params *p, const uint16_t *x, const uint16_t *w,
                                               const float *b, uint16_t *y)
{
    depthwise_conv2d_blocks(p, FORMAT_F16, x, w, b, y);
}

static inline void depthwise_conv2d_bf16_blocks(const depthwise_conv2d_bf16_blocks_params *p, const uint16_t *x, const uint16_t *w,
                                                const float *b, uint16_t *y)
{
    depthwise_conv2d_blocks(p, FORMAT_BF16, x, w, b, y);
}

#endif
