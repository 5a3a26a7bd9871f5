/* conv2d of floats on a scalar float unit: four pixels by four output channels at a time, as float_blocks.h says. */
#ifndef TAPEOUT_CONV2D_BLOCKS_H
#define TAPEOUT_CONV2D_BLOCKS_H

#include "float_blocks.h"
#include "lines.h"

typedef struct {
    window_params window;
    int32_t down; /* whether the four lie below one another */
    float lo, hi;
} conv2d_f32_blocks_params;

typedef conv2d_f32_blocks_params conv2d_f16_blocks_params;
typedef conv2d_f32_blocks_params conv2d_bf16_blocks_params;

static inline void conv2d_blocks_sums(const window_params *, float_format, int32_t, int32_t, const window *, const void *, const void *,
                                      int32_t, float *) __attribute__((always_inline));
static inline void conv2d_blocks_pixels(const conv2d_f32_blocks_params *, float_format, int32_t, const image_lines *, const window *,
                                        const void *, const void *, const float *, void *, int32_t) __attribute__((always_inline));
static inline void conv2d_blocks(const conv2d_f32_blocks_params *, float_format, const void *, const void *, const float *, void *)
    __attribute__((always_inline));

/* The sums of one pixel, or of four whose windows lie `apart`, by the four channels whose weights begin at `tap`. */
static inline void conv2d_blocks_sums(const window_params *g, float_format format, int32_t pixels, int32_t apart, const window *at,
                                      const void *x, const void *w, int32_t tap, float *sums)
{
    const int32_t together = g->dilation_w == 1 && g->in_pixel == g->in_c; /* the taps of a row lie side by side in x */
    const int32_t step = together ? at->columns.last - at->columns.first : 1;
    for (int32_t i = at->rows.first; i < at->rows.last; i++) {
        for (int32_t j = at->columns.first; j < at->columns.last; j += step) {
            const int32_t in = at->origin + i * g->dilation_h * g->in_row + j * g->dilation_w * g->in_pixel;
            const int32_t weights = tap + (i * g->k_w + j) * g->in_c * BLOCK;
            if (pixels == BLOCK) {
                block_add(format, step * g->in_c, x, in, apart, w, weights, sums);
            } else {
                line_add(format, step * g->in_c, x, in, w, weights, sums);
            }
        }
    }
}

/* All channels of one pixel, or of four. */
static inline void conv2d_blocks_pixels(const conv2d_f32_blocks_params *p, float_format format, int32_t pixels,
                                        const image_lines *lines, const window *at, const void *x, const void *w, const float *b, void *y,
                                        int32_t out)
{
    const window_params *g = &p->window;
    for (int32_t o = 0; o < g->out_c; o += BLOCK) {
        float sums[BLOCK * BLOCK];
        block_clear(sums);
        conv2d_blocks_sums(g, format, pixels, lines->in, at, x, w, o * g->k_h * g->k_w * g->in_c, sums);
        const int32_t count = g->out_c - o < BLOCK ? g->out_c - o : BLOCK;
        for (int32_t pixel = 0; pixel < pixels; pixel++) {
            block_store(format, sums + pixel * BLOCK, b + o, p->lo, p->hi, count, y, out + pixel * lines->out + o);
        }
    }
}

static inline void conv2d_blocks(const conv2d_f32_blocks_params *p, float_format format, const void *x, const void *w, const float *b,
                                 void *y)
{
    const window_params *g = &p->window;
    const image_lines lines = lines_of(g, p->down);
    for (line_place at = {0, 0, 0}; at.batch < g->batches;) {
        const window from = window_of(g, &lines, &at);
        const int32_t out = output_of(g, &lines, &at);
        if (pixels_at(&lines, at.place, BLOCK) == BLOCK) {
            conv2d_blocks_pixels(p, format, BLOCK, &lines, &from, x, w, b, y, out);
            next_place(&lines, &at, BLOCK);
        } else {
            conv2d_blocks_pixels(p, format, 1, &lines, &from, x, w, b, y, out);
            next_place(&lines, &at, 1);
        }
    }
}

/* x batches x in_h x in_w x in_c, w groups of four outputs x k_h x k_w x in_c x 4, b as many as all groups have outputs,
 * y batches x out_h x out_w x out_c */
static inline void conv2d_f32_blocks(const conv2d_f32_blocks_params *p, const float *x, const float *w, const float *b, float *y)
{
    conv2d_blocks(p, FORMAT_F32, x, w, b, y);
}

static inline void conv2d_f16_blocks(const conv2d_f16_blocks_params *p, const uint16_t *x, const uint16_t *w, const float *b, uint16_t *y)
{
    conv2d_blocks(p, FORMAT_F16, x, w, b, y);
}

static inline void conv2d_bf16_blocks(const conv2d_bf16_blocks_params *p, const uint16_t *x, const uint16_t *w, const float *b, uint16_t *y)
{
    conv2d_blocks(p, FORMAT_BF16, x, w, b, y);
}

#endif
