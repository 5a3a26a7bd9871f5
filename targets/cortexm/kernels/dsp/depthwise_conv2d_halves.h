/* depthwise_conv2d of activations of 16 bits without zero point, for kernels of any size, step and dilation: four channels at a time, as
 * depthwise_conv2d_fours.h has them. Taps in the padding are left out. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_HALVES_H
#define TAPEOUT_DEPTHWISE_CONV2D_HALVES_H

#include "four_codes.h"
#include "high_word.h"
#include "window.h"

typedef struct {
    window_params window;
    int32_t lo, hi;
} depthwise_conv2d_packed_s16_halves_params;

/* Sums of four channels. */
typedef struct {
    int32_t sum[4];
} four_sums;

/* Adds `count` taps of a row of the kernel, at least one; their pixels are `step` bytes apart. */
static inline void depthwise_halves_taps(four_sums *to, const int16_t *x, int32_t step, const int32_t *taps, int32_t count)
{
    const int32_t *const end = taps + count;
    uint32_t low, high, weight, odd_weight; /* channels 0 and 1, 2 and 3; those of weights are 0 and 2, 1 and 3 */
    __asm volatile("1:\n\tldr %[high], [%[x], #4]\n\tldr %[low], [%[x]]\n\tldr %[weight], [%[taps]], #4\n\tadd %[x], %[step]\n\t"
                   "sxtb16 %[odd_weight], %[weight], ror #8\n\tsxtb16 %[weight], %[weight]\n\t"
                   "smlabb %[sum0], %[low], %[weight], %[sum0]\n\tsmlatb %[sum1], %[low], %[odd_weight], %[sum1]\n\t"
                   "smlabt %[sum2], %[high], %[weight], %[sum2]\n\tsmlatt %[sum3], %[high], %[odd_weight], %[sum3]\n\t"
                   "cmp %[taps], %[end]\n\tbne 1b\n"
                   : [sum0] "+r"(to->sum[0]), [sum1] "+r"(to->sum[1]), [sum2] "+r"(to->sum[2]), [sum3] "+r"(to->sum[3]),
                     [x] "+r"(x), [taps] "+r"(taps), [low] "=&r"(low), [high] "=&r"(high), [weight] "=&r"(weight),
                     [odd_weight] "=&r"(odd_weight)
                   : [step] "r"(step), [end] "r"(end)
                   : "cc", "memory");
}

/* Four channels of a window; `x` points to tap (0, 0) of it, `w` to that of the kernel. */
static inline four_sums depthwise_halves_sums(const window_params *g, window at, const int16_t *x, const int32_t *w)
{
    const int32_t row = g->dilation_h * g->in_row, step = g->dilation_w * g->in_pixel, count = at.columns.last - at.columns.first;
    four_sums found = {{0, 0, 0, 0}};
    x += at.rows.first * row + at.columns.first * step;
    w += at.rows.first * g->k_w + at.columns.first;
    for (int32_t i = at.rows.first; i < at.rows.last && count > 0; i++, x += row, w += g->k_w) {
        depthwise_halves_taps(&found, x, 2 * step, w, count);
    }
    return found;
}

static inline __attribute__((always_inline)) void depthwise_conv2d_packed_s16_halves(const depthwise_conv2d_packed_s16_halves_params *p,
                                                                                     const int16_t *x, const int32_t *w,
                                                                                     const int32_t *table, int16_t *y);

/* x batches x in_h x in_w x in_c, w groups x k_h x k_w words of four channels, table groups x 4 high words, as first_of_four has groups,
 * y batches x out_h x out_w x in_c. */
static inline void depthwise_conv2d_packed_s16_halves(const depthwise_conv2d_packed_s16_halves_params *p, const int16_t *x, const int32_t *w,
                                                      const int32_t *table, int16_t *y)
{
    const window_params *g = &p->window;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            for (int32_t done = 0; done < g->in_c; done += 4) {
                const int32_t first = first_of_four(g->in_c, done);
                const high_word *const channel = (const high_word *)table + done;
                int16_t *const out = y + row * g->out_row + column * g->out_pixel + first;
                const four_sums found = depthwise_halves_sums(g, at, x + at.origin + first, w + done / 4 * g->k_h * g->k_w);
                out[0] = (int16_t)high_word_code_16(channel, channel[0].bias + found.sum[0], p->lo, p->hi);
                out[1] = (int16_t)high_word_code_16(channel + 1, channel[1].bias + found.sum[1], p->lo, p->hi);
                out[2] = (int16_t)high_word_code_16(channel + 2, channel[2].bias + found.sum[2], p->lo, p->hi);
                out[3] = (int16_t)high_word_code_16(channel + 3, channel[3].bias + found.sum[3], p->lo, p->hi);
            }
        }
    }
}

#endif
