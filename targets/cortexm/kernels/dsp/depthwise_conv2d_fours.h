/* depthwise_conv2d of four channels at a time, for kernels of any size, step and dilation, with weights of 8 bits.
 * A word holds four channels of a pixel, or of a tap; widened to 16 bits they are two words, of channels 0 and 2 and of 1 and 3, whose
 * halves are multiplied one by one. Widening takes the zero point away as well, so that taps in the padding are just left out. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_FOURS_H
#define TAPEOUT_DEPTHWISE_CONV2D_FOURS_H

#include "four_codes.h"
#include "high_word.h"
#include "window.h"

typedef struct {
    window_params window;
    int32_t x_zero, lo, hi;
    int32_t doubled; /* whether the table is for twice the sums */
} depthwise_conv2d_fours_s8_params;

/* Of four channels: sums, and minus the zero point of x, twice. */
typedef struct {
    int32_t sum[4];
    uint32_t less;
} fours;

/* Adds `count` taps of a row of the kernel, at least one; their pixels are `step` apart. */
static inline void fours_taps(fours *to, const int8_t *x, int32_t step, const int32_t *taps, int32_t count)
{
    const int32_t *const end = taps + count;
    uint32_t code, odd_code, weight, odd_weight;
    __asm volatile("1:\n\tldr %[code], [%[x]]\n\tldr %[weight], [%[taps]], #4\n\tadd %[x], %[step]\n\t"
                   "sxtab16 %[odd_code], %[less], %[code], ror #8\n\tsxtab16 %[code], %[less], %[code]\n\t"
                   "sxtb16 %[odd_weight], %[weight], ror #8\n\tsxtb16 %[weight], %[weight]\n\t"
                   "smlabb %[sum0], %[code], %[weight], %[sum0]\n\tsmlabb %[sum1], %[odd_code], %[odd_weight], %[sum1]\n\t"
                   "smlatt %[sum2], %[code], %[weight], %[sum2]\n\tsmlatt %[sum3], %[odd_code], %[odd_weight], %[sum3]\n\t"
                   "cmp %[taps], %[end]\n\tbne 1b\n"
                   : [sum0] "+r"(to->sum[0]), [sum1] "+r"(to->sum[1]), [sum2] "+r"(to->sum[2]), [sum3] "+r"(to->sum[3]),
                     [x] "+r"(x), [taps] "+r"(taps), [code] "=&r"(code), [odd_code] "=&r"(odd_code), [weight] "=&r"(weight),
                     [odd_weight] "=&r"(odd_weight)
                   : [step] "r"(step), [less] "r"(to->less), [end] "r"(end)
                   : "cc", "memory");
}

/* Four channels of a window; `x` points to tap (0, 0) of it, `w` to that of the kernel. */
static inline fours fours_sums(const depthwise_conv2d_fours_s8_params *p, window at, const int8_t *x, const int32_t *w)
{
    const window_params *g = &p->window;
    const int32_t row = g->dilation_h * g->in_row, step = g->dilation_w * g->in_pixel, count = at.columns.last - at.columns.first;
    fours found = {{0, 0, 0, 0}, ((uint32_t)-p->x_zero & 0xffff) * 0x00010001u};
    x += at.rows.first * row + at.columns.first * step;
    w += at.rows.first * g->k_w + at.columns.first;
    for (int32_t i = at.rows.first; i < at.rows.last && count > 0; i++, x += row, w += g->k_w) {
        fours_taps(&found, x, step, w, count);
    }
    return found;
}

static inline int8_t fours_code(const depthwise_conv2d_fours_s8_params *p, const high_word *channel, int32_t sum)
{
    return (int8_t)clip_code(high_word_code(channel, p->doubled, channel->bias + (p->doubled ? 2 * sum : sum)), p->lo, p->hi);
}

static inline __attribute__((always_inline)) void depthwise_conv2d_fours_s8(const depthwise_conv2d_fours_s8_params *p, const int8_t *x,
                                                                            const int32_t *w, const int32_t *table, int8_t *y);

/* x batches x in_h x in_w x in_c, w groups x k_h x k_w words of four channels, table groups x 4 high words, as first_of_four has groups,
 * y batches x out_h x out_w x in_c. */
static inline void depthwise_conv2d_fours_s8(const depthwise_conv2d_fours_s8_params *p, const int8_t *x, const int32_t *w,
                                             const int32_t *table, int8_t *y)
{
    const window_params *g = &p->window;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            for (int32_t done = 0; done < g->in_c; done += 4) {
                const int32_t first = first_of_four(g->in_c, done);
                const high_word *const channel = (const high_word *)table + done;
                int8_t *const out = y + row * g->out_row + column * g->out_pixel + first;
                const fours found = fours_sums(p, at, x + at.origin + first, w + done / 4 * g->k_h * g->k_w);
                out[0] = fours_code(p, channel, found.sum[0]);
                out[1] = fours_code(p, channel + 1, found.sum[1]);
                out[2] = fours_code(p, channel + 2, found.sum[2]);
                out[3] = fours_code(p, channel + 3, found.sum[3]);
            }
        }
    }
}

#endif
