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
 * added, 24 the offset of the second row of output, 28 the end of the blocks, 32 the table from the next channel on, 36 its end. */
#define PAIRS_BEGIN                                                                                \
    "sub sp, #40\n\tstrd %[second], %[end], [sp, #24]\n\tstr %[end], [sp, #36]\n\tmov r12, %[table]\n" \
    "1:\n\tldmia r12!, {r2-r10}\n\t" PAIRS_ADD("r11", "r0", "%c[blocks]") "strd r11, r12, [sp, #28]\n\t" \
    "strd r8, r8, [sp]\n\tstrd r8, r8, [sp, #8]\n\tstrd r9, r10, [sp, #16]\n\t"
#define PAIRS_END                                                                                  \
    "ldrd r12, lr, [sp, #32]\n\t" PAIRS_ADD("r0", "r0", "8 - %c[columns]") PAIRS_ADD("r1", "r1", "1 - %c[row]") \
    "cmp r12, lr\n\tbne 1b\n\tadd sp, #40\n"
/* A number of 16 bits and a sign; r2 is free while a large negative one is added. */
#define PAIRS_ADD(to, from, number)                                                                \
    ".if " number " <= -4096\n\tmovw r2, #-(" number ")\n\tsub " to ", " from ", r2\n\t"              \
    ".elseif " number " < 4096\n\tadd " to ", " from ", #" number "\n\t"                              \
    ".else\n\tmovw " to ", #" number "\n\tadd " to ", " from "\n\t.endif\n\t"
#define PAIRS_LOOP(block) ".if %c[blocks]\n2:\n\t" block "cmp r0, lr\n\tbne 2b\n\t.endif\n\t"
#define PAIRS_IF(condition, block) ".if " condition "\n\t" block ".endif\n\t"

/* The pairs of a column go to the registers `ab` and `cd`. */
#define PAIRS_LOAD(address) "ldrd r12, lr, " address "\n\t"
#define PAIRS_SMLA(halves, sum, pair, taps) "smla" halves " " sum ", " pair ", " taps ", " sum "\n\t"
/* A column of taps, (w0 w1) and (w1 w2), for the row of output that begins at a, and for that one and the next. */
#define PAIRS_ONE(sum, w01, w12, ab, cd) PAIRS_SMLA("d", sum, ab, w01) PAIRS_SMLA("bt", sum, cd, w12)
#define PAIRS_TWO(sum, next, w01, w12, ab, cd)                                                     \
    PAIRS_ONE(sum, w01, w12, ab, cd) PAIRS_SMLA("tb", next, ab, w01) PAIRS_SMLA("d", next, cd, w12)

/* A sum becomes a code, with the multiplier and what is added in r12 and lr. */
#define PAIRS_CONSTANTS "ldrd r12, lr, [sp, #16]\n\t"
#define PAIRS_CODE(sum)                                                                            \
    "smmla " sum ", " sum ", r12, lr\n\tssat " sum ", #8, " sum ", asr %[shift]\n\t"                 \
    PAIRS_IF("%c[lo] > -128", "cmp " sum ", %[lo]\n\tit lt\n\tmovlt " sum ", %[lo]\n\t")             \
    PAIRS_IF("%c[hi] < 127", "cmp " sum ", %[hi]\n\tit gt\n\tmovgt " sum ", %[hi]\n\t")

/* Stores a code, and goes on to the pixel to the right. Where there is no second row, its offset is 0, and the first overwrites it. */
#define PAIRS_STORE(code)                                                                          \
    PAIRS_IF("%c[pixel] < 256", "strb " code ", [r1], %[pixel]\n\t")                                 \
    PAIRS_IF("%c[pixel] >= 256", "strb " code ", [r1]\n\taddw r1, r1, %[pixel]\n\t")
#define PAIRS_STORE_TWO(code, next) "strb " next ", [r1, r12]\n\t" PAIRS_STORE(code)

/* Rows in steps of one: blocks of two rows of two outputs, then the last column. */
#define PAIRS_STEP_1(ab, cd)                                                                       \
    PAIRS_BEGIN PAIRS_LOOP("ldmia sp, {r8-r11}\n\t"                                                  \
        PAIRS_LOAD("[r0], #64") PAIRS_TWO("r8", "r9", "r2", "r5", ab, cd)                            \
        PAIRS_LOAD("[r0, #-32]") PAIRS_TWO("r8", "r9", "r3", "r6", ab, cd) PAIRS_TWO("r10", "r11", "r2", "r5", ab, cd) \
        PAIRS_LOAD("[r0]") PAIRS_TWO("r8", "r9", "r4", "r7", ab, cd) PAIRS_TWO("r10", "r11", "r3", "r6", ab, cd) \
        PAIRS_LOAD("[r0, #32]") PAIRS_TWO("r10", "r11", "r4", "r7", ab, cd)                          \
        PAIRS_CONSTANTS PAIRS_CODE("r8") PAIRS_CODE("r9") PAIRS_CODE("r10") PAIRS_CODE("r11")        \
        "ldrd r12, lr, [sp, #24]\n\t" PAIRS_STORE_TWO("r8", "r9") PAIRS_STORE_TWO("r10", "r11"))     \
    PAIRS_IF("%c[outputs] & 1", "ldrd r8, r9, [sp]\n\t"                                              \
        PAIRS_LOAD("[r0]") PAIRS_TWO("r8", "r9", "r2", "r5", ab, cd)                                 \
        PAIRS_LOAD("[r0, #32]") PAIRS_TWO("r8", "r9", "r3", "r6", ab, cd)                            \
        PAIRS_LOAD("[r0, #64]") PAIRS_TWO("r8", "r9", "r4", "r7", ab, cd)                            \
        PAIRS_CONSTANTS PAIRS_CODE("r8") PAIRS_CODE("r9") "ldr r12, [sp, #24]\n\t" PAIRS_STORE_TWO("r8", "r9")) PAIRS_END

/* Rows in steps of two: blocks of four outputs, then two and one. An output's last column is the first of the next. */
#define PAIRS_FIRST(sum, ab, cd) PAIRS_ONE(sum, "r2", "r5", ab, cd)
#define PAIRS_REST(sum, second, third, ab, cd)                                                     \
    PAIRS_LOAD("[r0, #" second "]") PAIRS_ONE(sum, "r3", "r6", ab, cd) PAIRS_LOAD("[r0, #" third "]") PAIRS_ONE(sum, "r4", "r7", ab, cd)
#define PAIRS_STEP_2(ab, cd)                                                                       \
    PAIRS_BEGIN PAIRS_LOOP("ldmia sp, {r8-r11}\n\t"                                                  \
        PAIRS_LOAD("[r0], #256") PAIRS_FIRST("r8", ab, cd) PAIRS_REST("r8", "-224", "-192", ab, cd)   \
        PAIRS_FIRST("r9", ab, cd) PAIRS_REST("r9", "-160", "-128", ab, cd)                           \
        PAIRS_FIRST("r10", ab, cd) PAIRS_REST("r10", "-96", "-64", ab, cd)                           \
        PAIRS_FIRST("r11", ab, cd) PAIRS_REST("r11", "-32", "0", ab, cd)                             \
        PAIRS_CONSTANTS PAIRS_CODE("r8") PAIRS_CODE("r9") PAIRS_CODE("r10") PAIRS_CODE("r11")        \
        "ldr lr, [sp, #28]\n\t" PAIRS_STORE("r8") PAIRS_STORE("r9") PAIRS_STORE("r10") PAIRS_STORE("r11")) \
    PAIRS_IF("%c[outputs] & 2", "ldrd r8, r9, [sp]\n\t"                                              \
        PAIRS_LOAD("[r0], #128") PAIRS_FIRST("r8", ab, cd) PAIRS_REST("r8", "-96", "-64", ab, cd)     \
        PAIRS_FIRST("r9", ab, cd) PAIRS_REST("r9", "-32", "0", ab, cd)                               \
        PAIRS_CONSTANTS PAIRS_CODE("r8") PAIRS_CODE("r9") PAIRS_STORE("r8") PAIRS_STORE("r9"))       \
    PAIRS_IF("%c[outputs] & 1", "ldr r8, [sp]\n\t"                                                   \
        PAIRS_LOAD("[r0]") PAIRS_FIRST("r8", ab, cd) PAIRS_REST("r8", "32", "64", ab, cd)             \
        PAIRS_CONSTANTS PAIRS_CODE("r8") PAIRS_STORE("r8")) PAIRS_END

#define PAIRS_RUN(text)                                                                            \
    __asm volatile(text : "+r"(pairs), "+r"(out), [table] "+r"(from), [end] "+r"(to), [second] "+r"(offset) \
                   : [outputs] "i"(p->window.out_w), [blocks] "i"(p->window.out_w / (2 * stride) * (2 * stride * stride) * PAIRS_COLUMN), \
                     [columns] "i"(p->window.out_w / 2 * 2 * stride * PAIRS_COLUMN), [row] "i"(p->window.out_w * p->window.out_pixel), \
                     [pixel] "i"(p->window.out_pixel), [shift] "i"(p->shift), [lo] "i"(p->lo), [hi] "i"(p->hi) \
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
    const int32_t stride = p->window.stride_w;
    if (stride == 1) {
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

/* Two rows as pairs, in every second word from `to` to `end`. */
static inline void pairs_fill(pairs_row a, pairs_row b, int32_t channels, uint32_t *to, const uint32_t *end)
{
    for (; to != end; to += PAIRS_COLUMN / 4) {
        const uint32_t above = pairs_codes(a.x, channels), below = pairs_codes(b.x, channels);
        const uint32_t first = pairs_lower(above, below), last = pairs_upper(above, below);
        to[0] = pairs_even(first);
        to[2] = pairs_odd(first);
        to[4] = pairs_even(last);
        to[6] = pairs_odd(last);
        a.x += a.step;
        b.x += b.step;
    }
}

/* The same of four channels of two rows with pixels as far apart. */
static inline void pairs_fill_alike(pairs_row a, const int8_t *b, uint32_t *to, const uint32_t *end)
{
    uint32_t at = 0, above, below, pair;
    __asm volatile("1:\n\tldr %[above], [%[a], %[at]]\n\tldr %[below], [%[b], %[at]]\n\tadd %[at], %[step]\n\t"
                   "pkhbt %[pair], %[above], %[below], lsl #16\n\tpkhtb %[below], %[below], %[above], asr #16\n\t"
                   "sxtb16 %[above], %[pair]\n\tsxtb16 %[pair], %[pair], ror #8\n\tstr %[pair], [%[to], #8]\n\t"
                   "sxtb16 %[pair], %[below]\n\tsxtb16 %[below], %[below], ror #8\n\tstr %[pair], [%[to], #16]\n\t"
                   "str %[below], [%[to], #24]\n\tstr %[above], [%[to]], #32\n\tcmp %[to], %[end]\n\tbne 1b\n"
                   : [to] "+r"(to), [at] "+r"(at), [above] "=&r"(above), [below] "=&r"(below), [pair] "=&r"(pair)
                   : [a] "r"(a.x), [b] "r"(b), [step] "r"(a.step), [end] "r"(end)
                   : "cc", "memory");
}

static inline __attribute__((always_inline)) void pairs_group(const depthwise_conv2d_pairs_s8_params *p, const int8_t *x,
                                                              const int32_t *table, int32_t skipped, int8_t *y, uint32_t *scratch);

/* All rows of a group of channels: those from `skipped` on are computed. `x` and `y` point to the first of the group. */
static inline void pairs_group(const depthwise_conv2d_pairs_s8_params *p, const int8_t *x, const int32_t *table, int32_t skipped,
                               int8_t *y, uint32_t *scratch)
{
    const window_params *g = &p->window;
    const int32_t columns = (g->out_w - 1) * g->stride_w + 3;
    const int32_t inside = g->in_w < columns - g->pad_left ? g->in_w : columns - g->pad_left;
    const int32_t channels = g->in_c < 4 ? g->in_c : 4;
    const int32_t together = g->stride_h == 1 ? 2 : 1; /* rows of output by two pairs of rows */
    const uint32_t padding = (uint32_t)(uint8_t)p->x_zero * 0x01010101u;
    uint32_t *const first = scratch + g->pad_left * (PAIRS_COLUMN / 4);
    int32_t row = -g->pad_top;
    y += skipped;
    for (int32_t left = g->out_h + together, odd = 0; left > 0; left -= together, odd ^= 1, row += 2) {
        const pairs_row a = pairs_row_at(g, row, x, &padding), b = pairs_row_at(g, row + 1, x, &padding);
        if (inside > 0 && a.step == b.step && channels == 4) {
            pairs_fill_alike(a, b.x, first + odd, first + odd + inside * (PAIRS_COLUMN / 4));
        } else if (inside > 0) {
            pairs_fill(a, b, channels, first + odd, first + odd + inside * (PAIRS_COLUMN / 4));
        }
        if (left <= g->out_h) {
            pairs_rows(p, (const int32_t *)scratch + 2 * skipped, table, channels - skipped, !odd, together == 2 && left > 1 ? g->out_row : 0, y);
            y += together * g->out_row;
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
