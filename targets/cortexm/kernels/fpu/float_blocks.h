/* Blocks of sums in float: four elements of the output by four of its channels, so that what is loaded serves four sums each. Every sum
 * has its own accumulator and its own order, that of the reference. Four pixels of an image lie side by side, or below one another;
 * those whose windows meet the padding at the ends of such a line, and those that are left over, are computed one by one.
 * Weights come in groups of four channels, those of an input element side by side: for each group inputs x 4. */
#ifndef TAPEOUT_FLOAT_BLOCKS_H
#define TAPEOUT_FLOAT_BLOCKS_H

#include "f16.h"

enum { BLOCK = 4 };

/* Inlined, so that formats and counts are constants of the loops. */
static inline void block_add(float_format, int32_t, const void *, int32_t, int32_t, const void *, int32_t, float *)
    __attribute__((always_inline));
static inline void line_add(float_format, int32_t, const void *, int32_t, const void *, int32_t, float *) __attribute__((always_inline));
static inline void block_store(float_format, const float *, const float *, float, float, int32_t, void *, int32_t)
    __attribute__((always_inline));

/* Lets sums begin, BLOCK x BLOCK of them; one by one, since the small C library's memset writes byte by byte. */
static inline void block_clear(float *sums)
{
    sums[0] = 0.0f, sums[1] = 0.0f, sums[2] = 0.0f, sums[3] = 0.0f, sums[4] = 0.0f, sums[5] = 0.0f, sums[6] = 0.0f, sums[7] = 0.0f;
    sums[8] = 0.0f, sums[9] = 0.0f, sums[10] = 0.0f, sums[11] = 0.0f, sums[12] = 0.0f, sums[13] = 0.0f, sums[14] = 0.0f, sums[15] = 0.0f;
}

/* Adds the products of `count` elements of x from `at` on, and of those that lie `apart`, 2 * apart and 3 * apart behind them, by the
 * weights from `tap` on; sums BLOCK x BLOCK, of the first elements by four channels, of the second, ... */
static inline void block_add(float_format format, int32_t count, const void *x, int32_t at, int32_t apart, const void *w, int32_t tap,
                             float *sums)
{
    float a0 = sums[0], a1 = sums[1], a2 = sums[2], a3 = sums[3];
    float b0 = sums[4], b1 = sums[5], b2 = sums[6], b3 = sums[7];
    float c0 = sums[8], c1 = sums[9], c2 = sums[10], c3 = sums[11];
    float d0 = sums[12], d1 = sums[13], d2 = sums[14], d3 = sums[15];
    for (int32_t i = 0; i < count; i++) {
        const float w0 = load_float(w, tap + BLOCK * i, format), w1 = load_float(w, tap + BLOCK * i + 1, format);
        const float w2 = load_float(w, tap + BLOCK * i + 2, format), w3 = load_float(w, tap + BLOCK * i + 3, format);
        const float a = load_float(x, at + i, format), b = load_float(x, at + apart + i, format);
        const float c = load_float(x, at + 2 * apart + i, format), d = load_float(x, at + 3 * apart + i, format);
        a0 += a * w0, a1 += a * w1, a2 += a * w2, a3 += a * w3;
        b0 += b * w0, b1 += b * w1, b2 += b * w2, b3 += b * w3;
        c0 += c * w0, c1 += c * w1, c2 += c * w2, c3 += c * w3;
        d0 += d * w0, d1 += d * w1, d2 += d * w2, d3 += d * w3;
    }
    sums[0] = a0, sums[1] = a1, sums[2] = a2, sums[3] = a3;
    sums[4] = b0, sums[5] = b1, sums[6] = b2, sums[7] = b3;
    sums[8] = c0, sums[9] = c1, sums[10] = c2, sums[11] = c3;
    sums[12] = d0, sums[13] = d1, sums[14] = d2, sums[15] = d3;
}

/* The same for the first elements alone; sums BLOCK. */
static inline void line_add(float_format format, int32_t count, const void *x, int32_t at, const void *w, int32_t tap, float *sums)
{
    float a0 = sums[0], a1 = sums[1], a2 = sums[2], a3 = sums[3];
    for (int32_t i = 0; i < count; i++) {
        const float a = load_float(x, at + i, format);
        a0 += a * load_float(w, tap + BLOCK * i, format);
        a1 += a * load_float(w, tap + BLOCK * i + 1, format);
        a2 += a * load_float(w, tap + BLOCK * i + 2, format);
        a3 += a * load_float(w, tap + BLOCK * i + 3, format);
    }
    sums[0] = a0, sums[1] = a1, sums[2] = a2, sums[3] = a3;
}

/* Stores a line of sums as elements of y from `at` on, of which there are `count`. */
static inline void block_store(float_format format, const float *sums, const float *b, float lo, float hi, int32_t count, void *y,
                               int32_t at)
{
    if (count == BLOCK) {
        store_float(y, at, format, clip_float(sums[0] + b[0], lo, hi));
        store_float(y, at + 1, format, clip_float(sums[1] + b[1], lo, hi));
        store_float(y, at + 2, format, clip_float(sums[2] + b[2], lo, hi));
        store_float(y, at + 3, format, clip_float(sums[3] + b[3], lo, hi));
        return;
    }
    for (int32_t o = 0; o < count; o++) {
        store_float(y, at + o, format, clip_float(sums[o] + b[o], lo, hi));
    }
}

#endif
