/* depthwise_conv2d by pairs of rows, for kernels of 3 x 3 taps in steps of one or two, one loop in assembly per layer.
 * How it goes: row_pairs.h. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_PAIRS_H
#define TAPEOUT_DEPTHWISE_CONV2D_PAIRS_H

#include "row_pairs.h"

typedef struct {
    window_params window;
    int32_t x_zero, lo, hi;
    int32_t shift; /* what is left of the requantization's, in all channels */
} depthwise_conv2d_pairs_s8_params;

/* Assembly of one channel at a time. r0 points to pairs, r1 to output; r8-r11 are sums, the others
 * as in row_pairs.h. On the stack: 0 where sums begin, four times, 16 the multiplier, 20 what is
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

/* Rows in steps of two: blocks of four outputs, then two and one. */
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

static inline __attribute__((always_inline)) void pairs_rows(const depthwise_conv2d_pairs_s8_params *p, const uint32_t *scratch,
                                                             const int32_t *table, int32_t channels, int32_t swapped, int32_t second,
                                                             int8_t *y);

/* One or two rows of output of some channels, from the pairs of rows in scratch, the lower of which comes first when `swapped`.
 * `second` is the offset of the second row, 0 when there is none. */
static inline void pairs_rows(const depthwise_conv2d_pairs_s8_params *p, const uint32_t *scratch, const int32_t *table,
                              int32_t channels, int32_t swapped, int32_t second, int8_t *y)
{
    register const uint32_t *pairs __asm("r0") = scratch;
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

static inline __attribute__((always_inline)) void pairs_group(const depthwise_conv2d_pairs_s8_params *p, const int8_t *x,
                                                              const int32_t *table, int32_t skipped, int8_t *y, uint32_t *scratch);

/* All rows of a group of channels: those from `skipped` on are computed. `x` and `y` point to the first of the group. */
static inline void pairs_group(const depthwise_conv2d_pairs_s8_params *p, const int8_t *x, const int32_t *table, int32_t skipped,
                               int8_t *y, uint32_t *scratch)
{
    const window_params *g = &p->window;
    const int32_t channels = g->in_c < PAIRS_GROUP ? g->in_c : PAIRS_GROUP;
    const int32_t together = g->stride_h == 1 ? 2 : 1; /* rows of output by two pairs of rows */
    const int8_t zero = (int8_t)p->x_zero, padding[PAIRS_GROUP] = {zero, zero, zero, zero};
    int32_t row = -g->pad_top;
    y += skipped;
    for (int32_t left = g->out_h + together, odd = 0; left > 0; left -= together, odd ^= 1, row += 2) {
        pairs_of_rows(g, row, x, padding, scratch + odd);
        if (left <= g->out_h) {
            const int32_t second = together == 2 && left > 1 ? g->out_row : 0;
            pairs_rows(p, scratch + 2 * skipped, table, channels - skipped, !odd, second, y);
            y += together * g->out_row;
        }
    }
}

static inline __attribute__((always_inline)) void depthwise_conv2d_pairs_s8(const depthwise_conv2d_pairs_s8_params *p, const int8_t *x,
                                                                            const int32_t *table, int8_t *y, void *scratch);

/* x batches x in_h x in_w x in_c, table in_c x PAIRS_WORDS, y batches x out_h x out_w x in_c,
 * scratch ((out_w - 1) * stride_w + 3) * PAIRS_COLUMN bytes. */
static inline void depthwise_conv2d_pairs_s8(const depthwise_conv2d_pairs_s8_params *p, const int8_t *x, const int32_t *table,
                                             int8_t *y, void *scratch)
{
    const window_params *g = &p->window;
    pairs_clear(g, p->x_zero, scratch);
    for (int32_t batch = 0; batch < g->batches; batch++) {
        for (int32_t done = 0; done < g->in_c; done += PAIRS_GROUP) {
            const int32_t first = first_of_four(g->in_c, done);
            pairs_group(p, x + batch * g->in_h * g->in_row + first, table + done * PAIRS_WORDS, done - first,
                        y + batch * g->out_h * g->out_row + first, scratch);
        }
    }
}

#endif
