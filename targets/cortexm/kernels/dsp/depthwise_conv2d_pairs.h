/* depthwise_conv2d by pairs of rows, for kernels of 3 x 3 taps: an SMLAD takes two taps of a column of the kernel at once.
 *
 * Rows 0 and 1, 2 and 3, ... of the padded input become pairs: words that hold a code of the first row in the lower half and the
 * one below it in the upper. Two neighbouring pairs, rows a b and c d, give a row of output in steps of two rows, or two rows of
 * output in steps of one:
 *     (a b) * (w0 w1) + c * w2    and    b * w0 + (c d) * (w1 w2)
 * Each column of taps has the words (w0 w1) and (w1 w2), which stay in six registers while a channel's rows pass.
 * Scratch memory holds two pairs of rows of four channels: columns x 4 channels x 2 pairs, so that one LDRD reads both pairs.
 * Padding is stored there as the input's zero point, so that borders are as everything else; the zero point is taken from sums at their
 * beginning. How sums become codes: targets/cortexm/common_shift.py. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_PAIRS_H
#define TAPEOUT_DEPTHWISE_CONV2D_PAIRS_H

#include "window.h"
#include <stdint.h>
#include <string.h>

typedef struct {
    window_params window;
    int32_t x_zero, lo, hi;
    int32_t shift; /* what is left of the requantization's, in all channels */
} depthwise_conv2d_pairs_s8_params;

enum {
    PAIRS_WORDS = 9,  /* of a channel in the table: six of weights, where its sums begin, the multiplier, what is added to the product */
    PAIRS_COLUMN = 32 /* bytes of scratch */
};

/* Assembly of one channel at a time. r0 points to pairs, r1 to output; r2-r4 hold (w0 w1) of the three columns of taps, r5-r7
 * (w1 w2); r8-r11 sums; r12 and lr pairs or constants. On the stack: 0 where sums begin, four times, 16 the multiplier, 20 what is
 * added, 24 the offset of the second row of output, 28 the end of the columns, 32 the table from the next channel on, 36 its end. */
#define PAIRS_BEGIN                                       \
    "sub sp, #40\n\tstrd %[second], %[end], [sp, #24]\n\t" \
    "str %[end], [sp, #36]\n\tmov r12, %[table]\n"         \
    "1:\n\tldmia r12!, {r2-r10}\n\t"                       \
    "movw r11, %[columns]\n\tadd r11, r0\n\tstrd r11, r12, [sp, #28]\n\t"
#define PAIRS_END                                                                       \
    "ldrd r12, lr, [sp, #32]\n\tmovw r2, %[columns] - 8\n\tsub r0, r2\n\t"               \
    "movw r2, %[row] - 1\n\tsub r1, r2\n\tcmp r12, lr\n\tbne 1b\n\tadd sp, #40\n"

/* A column of taps, for the row of output that begins at the pair `ab`, and for the one below it. */
#define PAIRS_FIRST(sum, w01, w12, ab, cd) "smlad " sum ", " ab ", " w01 ", " sum "\n\tsmlabt " sum ", " cd ", " w12 ", " sum "\n\t"
#define PAIRS_SECOND(sum, w01, w12, ab, cd) "smlatb " sum ", " ab ", " w01 ", " sum "\n\tsmlad " sum ", " cd ", " w12 ", " sum "\n\t"
#define PAIRS_BOTH(first, second, w01, w12, ab, cd) PAIRS_FIRST(first, w01, w12, ab, cd) PAIRS_SECOND(second, w01, w12, ab, cd)

/* The code of a sum. */
#define PAIRS_CODE(sum, mul, add)                                                                    \
    "smmla " sum ", " sum ", " mul ", " add "\n\tssat " sum ", #8, " sum ", asr %[shift]\n\t"          \
    ".if %c[lo] > -128\n\tcmp " sum ", %[lo]\n\tit lt\n\tmovlt " sum ", %[lo]\n\t.endif\n\t"           \
    ".if %c[hi] < 127\n\tcmp " sum ", %[hi]\n\tit gt\n\tmovgt " sum ", %[hi]\n\t.endif\n\t"

/* To the output pixel to the right. */
#define PAIRS_STORE(sum)                                                                                \
    ".if %c[pixel] < 256\n\tstrb " sum ", [r1], %[pixel]\n\t"                                             \
    ".else\n\tstrb " sum ", [r1]\n\taddw r1, r1, %[pixel]\n\t.endif\n\t"

/* Rows in steps of one: blocks of two rows of two outputs, then the last column. Where there is no second row, its offset is 0,
 * and the first overwrites it. */
#define PAIRS_STEP_1(ab, cd)                                                                            \
    PAIRS_BEGIN "strd r8, r8, [sp]\n\tstrd r8, r8, [sp, #8]\n\tstrd r9, r10, [sp, #16]\n\t"               \
    ".if %c[columns]\n2:\n\tldmia sp, {r8-r11}\n\t"                                                     \
    "ldrd r12, lr, [r0], #64\n\t" PAIRS_BOTH("r8", "r9", "r2", "r5", ab, cd)                              \
    "ldrd r12, lr, [r0, #-32]\n\t" PAIRS_BOTH("r8", "r9", "r3", "r6", ab, cd) PAIRS_BOTH("r10", "r11", "r2", "r5", ab, cd) \
    "ldrd r12, lr, [r0]\n\t" PAIRS_BOTH("r8", "r9", "r4", "r7", ab, cd) PAIRS_BOTH("r10", "r11", "r3", "r6", ab, cd) \
    "ldrd r12, lr, [r0, #32]\n\t" PAIRS_BOTH("r10", "r11", "r4", "r7", ab, cd)                            \
    "ldrd r12, lr, [sp, #16]\n\t" PAIRS_CODE("r8", "r12", "lr") PAIRS_CODE("r9", "r12", "lr")             \
    PAIRS_CODE("r10", "r12", "lr") PAIRS_CODE("r11", "r12", "lr")                                       \
    "ldrd r12, lr, [sp, #24]\n\tstrb r9, [r1, r12]\n\t" PAIRS_STORE("r8")                                 \
    "strb r11, [r1, r12]\n\t" PAIRS_STORE("r10") "cmp r0, lr\n\tbne 2b\n\t.endif\n\t"                     \
    ".if %c[odd]\n\tldrd r8, r9, [sp]\n\t"                                                              \
    "ldrd r12, lr, [r0]\n\t" PAIRS_BOTH("r8", "r9", "r2", "r5", ab, cd)                                   \
    "ldrd r12, lr, [r0, #32]\n\t" PAIRS_BOTH("r8", "r9", "r3", "r6", ab, cd)                              \
    "ldrd r12, lr, [r0, #64]\n\t" PAIRS_BOTH("r8", "r9", "r4", "r7", ab, cd)                              \
    "ldrd r12, lr, [sp, #16]\n\t" PAIRS_CODE("r8", "r12", "lr") PAIRS_CODE("r9", "r12", "lr")             \
    "ldr r12, [sp, #24]\n\tstrb r9, [r1, r12]\n\t" PAIRS_STORE("r8") ".endif\n\t" PAIRS_END

/* Rows in steps of two: blocks of two outputs, then the last column. r9 and r10 keep the multiplier and what is added. */
#define PAIRS_STEP_2(ab, cd)                                                                            \
    PAIRS_BEGIN "strd r8, r8, [sp]\n\t"                                                                  \
    ".if %c[columns]\n2:\n\tldrd r8, r11, [sp]\n\t"                                                     \
    "ldrd r12, lr, [r0], #128\n\t" PAIRS_FIRST("r8", "r2", "r5", ab, cd)                                  \
    "ldrd r12, lr, [r0, #-96]\n\t" PAIRS_FIRST("r8", "r3", "r6", ab, cd)                                  \
    "ldrd r12, lr, [r0, #-64]\n\t" PAIRS_FIRST("r8", "r4", "r7", ab, cd) PAIRS_FIRST("r11", "r2", "r5", ab, cd) \
    "ldrd r12, lr, [r0, #-32]\n\t" PAIRS_FIRST("r11", "r3", "r6", ab, cd)                                 \
    "ldrd r12, lr, [r0]\n\t" PAIRS_FIRST("r11", "r4", "r7", ab, cd)                                       \
    PAIRS_CODE("r8", "r9", "r10") PAIRS_CODE("r11", "r9", "r10") "ldr r12, [sp, #28]\n\t"                 \
    PAIRS_STORE("r8") PAIRS_STORE("r11") "cmp r0, r12\n\tbne 2b\n\t.endif\n\t"                            \
    ".if %c[odd]\n\tldr r8, [sp]\n\t"                                                                   \
    "ldrd r12, lr, [r0]\n\t" PAIRS_FIRST("r8", "r2", "r5", ab, cd)                                        \
    "ldrd r12, lr, [r0, #32]\n\t" PAIRS_FIRST("r8", "r3", "r6", ab, cd)                                   \
    "ldrd r12, lr, [r0, #64]\n\t" PAIRS_FIRST("r8", "r4", "r7", ab, cd)                                   \
    PAIRS_CODE("r8", "r9", "r10") PAIRS_STORE("r8") ".endif\n\t" PAIRS_END

#define PAIRS_RUN(text)                                                                                                  \
    __asm volatile(text : "+r"(pairs), "+r"(out), [table] "+r"(from), [end] "+r"(to), [second] "+r"(offset)              \
                   : [columns] "i"(p->window.out_w / 2 * 2 * p->window.stride_w * PAIRS_COLUMN), [odd] "i"(p->window.out_w % 2), \
                     [row] "i"(p->window.out_w * p->window.out_pixel), [pixel] "i"(p->window.out_pixel),                  \
                     [shift] "i"(p->shift), [lo] "i"(p->lo), [hi] "i"(p->hi)                                             \
                   : "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory")

static inline __attribute__((always_inline)) void pairs_rows(const depthwise_conv2d_pairs_s8_params *p, const int32_t *scratch,
                                                             const int32_t *table, int32_t channels, int32_t swapped, int32_t second,
                                                             int8_t *y);

/* One or two rows of output of some channels, from the pairs of rows in scratch, the lower of which comes first when `swapped`.
 * `second` is the offset of the second row, 0 when there is none. */
static inline void pairs_rows(const depthwise_conv2d_pairs_s8_params *p, const int32_t *scratch, const int32_t *table,
                              int32_t channels, int32_t swapped, int32_t second, int8_t *y)
{
    register const int32_t *pairs __asm("r0") = scratch;
    register int8_t *out __asm("r1") = y;
    register const int32_t *from __asm("r2") = table;
    register const int32_t *to __asm("r3") = table + channels * PAIRS_WORDS;
    register int32_t offset __asm("r4") = second;
    if (p->window.stride_w == 1) {
        if (swapped) {
            PAIRS_RUN(PAIRS_STEP_1("lr", "r12"));
        } else {
            PAIRS_RUN(PAIRS_STEP_1("r12", "lr"));
        }
    } else if (swapped) {
        PAIRS_RUN(PAIRS_STEP_2("lr", "r12"));
    } else {
        PAIRS_RUN(PAIRS_STEP_2("r12", "lr"));
    }
}

/* Of two words, their lower or their upper halves, those of `a` below. */
static inline uint32_t pairs_lower(uint32_t a, uint32_t b)
{
    uint32_t result;
    __asm("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

static inline uint32_t pairs_upper(uint32_t a, uint32_t b)
{
    uint32_t result;
    __asm("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(b), "r"(a));
    return result;
}

/* Bytes 0 and 2, or 1 and 3, as two numbers of 16 bits. */
static inline uint32_t pairs_even(uint32_t a)
{
    uint32_t result;
    __asm("sxtb16 %0, %1" : "=r"(result) : "r"(a));
    return result;
}

static inline uint32_t pairs_odd(uint32_t a)
{
    uint32_t result;
    __asm("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(a));
    return result;
}

/* The codes of a group of channels; there may be fewer than four. */
static inline uint32_t pairs_codes(const int8_t *x, int32_t channels)
{
    uint32_t word = 0;
    if (channels >= 4) {
        memcpy(&word, x, 4);
        return word;
    }
    for (int32_t c = 0; c < channels; c++) {
        word |= (uint32_t)(uint8_t)x[c] << 8 * c;
    }
    return word;
}

/* A row of input, and how far apart its pixels are; for a row of padding, one pixel of it. */
typedef struct {
    const int8_t *x;
    int32_t step;
} pairs_row;

static inline pairs_row pairs_row_at(const window_params *g, int32_t row, const int8_t *x, const uint32_t *padding)
{
    return row >= 0 && row < g->in_h ? (pairs_row){x + row * g->in_row, g->in_pixel} : (pairs_row){(const int8_t *)padding, 0};
}

/* Two rows of `count` pixels as pairs, in every second word. */
static inline void pairs_fill(pairs_row a, pairs_row b, int32_t channels, int32_t count, uint32_t *to)
{
    for (int32_t i = 0; i < count; i++) {
        const uint32_t above = pairs_codes(a.x, channels), below = pairs_codes(b.x, channels);
        const uint32_t first = pairs_lower(above, below), last = pairs_upper(above, below);
        to[0] = pairs_even(first);
        to[2] = pairs_odd(first);
        to[4] = pairs_even(last);
        to[6] = pairs_odd(last);
        to += PAIRS_COLUMN / 4;
        a.x += a.step;
        b.x += b.step;
    }
}

/* All rows of a group of channels: those from `skipped` on are computed. `x` and `y` point to the first of the group. */
static inline __attribute__((always_inline)) void pairs_group(const depthwise_conv2d_pairs_s8_params *p, const int8_t *x,
                                                              const int32_t *table, int32_t skipped, int8_t *y, uint32_t *scratch);
static inline void pairs_group(const depthwise_conv2d_pairs_s8_params *p, const int8_t *x, const int32_t *table, int32_t skipped,
                               int8_t *y, uint32_t *scratch)
{
    const window_params *g = &p->window;
    const int32_t columns = (g->out_w - 1) * g->stride_w + 3;
    const int32_t count = g->in_w < columns - g->pad_left ? g->in_w : columns - g->pad_left;
    const int32_t channels = g->in_c < 4 ? g->in_c : 4;
    const int32_t together = g->stride_h == 1 ? 2 : 1; /* rows of output by two pairs of rows */
    const uint32_t padding = (uint32_t)(uint8_t)p->x_zero * 0x01010101u;
    for (int32_t pair = 0; (pair - 1) * together < g->out_h; pair++) {
        const int32_t row = 2 * pair - g->pad_top;
        pairs_fill(pairs_row_at(g, row, x, &padding), pairs_row_at(g, row + 1, x, &padding), channels, count,
                   scratch + g->pad_left * (PAIRS_COLUMN / 4) + pair % 2);
        const int32_t out = (pair - 1) * together;
        const int32_t second = together == 2 && out + 1 < g->out_h ? g->out_row : 0;
        if (pair > 0) {
            pairs_rows(p, (const int32_t *)scratch + 2 * skipped, table, channels - skipped, pair % 2 == 0, second,
                       y + out * g->out_row + skipped);
        }
    }
}

static inline __attribute__((always_inline)) void depthwise_conv2d_pairs_s8(const depthwise_conv2d_pairs_s8_params *p, const int8_t *x,
                                                                            const int32_t *table, int8_t *y, void *scratch);

/* x batches x in_h x in_w x in_c, table in_c x 9 as PAIRS_WORDS says, y batches x out_h x out_w x in_c,
 * scratch ((out_w - 1) * stride_w + 3) * PAIRS_COLUMN bytes. */
static inline void depthwise_conv2d_pairs_s8(const depthwise_conv2d_pairs_s8_params *p, const int8_t *x, const int32_t *table,
                                             int8_t *y, void *scratch)
{
    const window_params *g = &p->window;
    const int32_t columns = (g->out_w - 1) * g->stride_w + 3;
    uint32_t *pairs = scratch;
    for (int32_t i = 0; i < columns * (PAIRS_COLUMN / 4); i++) {
        pairs[i] = ((uint32_t)p->x_zero & 0xffff) * 0x00010001u;
    }
    for (int32_t batch = 0; batch < g->batches; batch++) {
        for (int32_t done = 0; done < g->in_c; done += 4) {
            const int32_t first = done + 4 <= g->in_c || g->in_c < 4 ? done : g->in_c - 4; /* the last group reads no byte beyond */
            pairs_group(p, x + batch * g->in_h * g->in_row + first, table + done * PAIRS_WORDS, done - first,
                        y + batch * g->out_h * g->out_row + first, pairs);
        }
    }
}

#endif
