/* depthwise_conv2d by pairs of rows, as depthwise_conv2d_pairs.h, in one function for all layers, with weights of 8 bits.
 * Those of a group of channels become words of 16-bit pairs in scratch memory. How it goes: row_pairs.h. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_SHARED_H
#define TAPEOUT_DEPTHWISE_CONV2D_SHARED_H

#include "row_pairs.h"

typedef struct {
    window_params window;
    int32_t x_zero;
    int32_t shift; /* what is left of the requantization's, in all channels */
} depthwise_conv2d_shared_s8_params;

enum {
    SHARED_TAPS = 10, /* bytes of a channel: nine taps and the power of two by which they are multiplied */
    SHARED_TABLE = 3  /* words of a channel: where its sums begin, the multiplier, what is added to the product */
};

/* What the assembly of one or two rows of output keeps on the stack. */
typedef struct {
    int32_t second; /* offset of the second row of output, 0 when there is none, as the first overwrites it */
    int32_t pixel;  /* bytes from output to output */
    int32_t shift;
    int32_t end;    /* of a channel's blocks, for the assembly's use */
    const int32_t *table, *table_end;
    const uint32_t *pairs;
    int8_t *y;
    int32_t blocks; /* bytes of pairs that blocks of two columns of output pass over */
    int32_t odd;    /* whether a column is left */
} shared_rows;

/* One channel at a time: r1 points to output, r8-r11 are sums, the others as in row_pairs.h. On the stack: 0 where sums begin, four
 * times, 16 the multiplier, 20 what is added, from 24 on a shared_rows. */
#define SHARED_RUN(block, last)                                                                    \
    __asm volatile("sub sp, #64\n\tadd r12, sp, #24\n\tldmia %[rows], {r2-r11}\n\tstmia r12, {r2-r11}\n\tmov r1, r9\n\tmov r0, r8\n" \
                   "1:\n\tldr r12, [sp, #40]\n\tldmia r12!, {r2-r10}\n\tstr r12, [sp, #40]\n\t"        \
                   "strd r8, r8, [sp]\n\tstrd r8, r8, [sp, #8]\n\tstrd r9, r10, [sp, #16]\n\t"        \
                   "ldr r11, [sp, #56]\n\tadd r11, r0\n\tstr r11, [sp, #36]\n\tcmp r0, r11\n\tbeq 3f\n" \
                   "2:\n\t" block "ldr lr, [sp, #36]\n\tcmp r0, lr\n\tbne 2b\n"                       \
                   "3:\n\tldr r12, [sp, #60]\n\tcmp r12, #0\n\tbeq 4f\n\t" last                       \
                   "4:\n\tldrd r0, r1, [sp, #48]\n\tadd r0, #8\n\tadd r1, #1\n\tstrd r0, r1, [sp, #48]\n\t" \
                   "ldrd r12, lr, [sp, #40]\n\tcmp r12, lr\n\tbne 1b\n\tadd sp, #64\n"                \
                   : [rows] "+r"(rows)                                                              \
                   :                                                                                \
                   : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory")

#define SHARED_SCALE(sum) "smmla " sum ", " sum ", r12, lr\n\t"
#define SHARED_CODE(sum) "asr " sum ", " sum ", lr\n\tssat " sum ", #8, " sum "\n\t"
#define SHARED_STORE(code) "strb " code ", [r1]\n\tadd r1, lr\n\t"
#define SHARED_ROW_BELOW(code) "strb " code ", [r1, r12]\n\t"

#define SHARED_BLOCK_1(ab, cd)                                                                     \
    "ldmia sp, {r8-r11}\n\t" PAIRS_LOAD("[r0], #64") PAIRS_TWO("r8", "r9", "r2", "r5", ab, cd)        \
    PAIRS_LOAD("[r0, #-32]") PAIRS_TWO("r8", "r9", "r3", "r6", ab, cd) PAIRS_TWO("r10", "r11", "r2", "r5", ab, cd) \
    PAIRS_LOAD("[r0]") PAIRS_TWO("r8", "r9", "r4", "r7", ab, cd) PAIRS_TWO("r10", "r11", "r3", "r6", ab, cd) \
    PAIRS_LOAD("[r0, #32]") PAIRS_TWO("r10", "r11", "r4", "r7", ab, cd) "ldrd r12, lr, [sp, #16]\n\t"   \
    SHARED_SCALE("r8") SHARED_SCALE("r9") SHARED_SCALE("r10") SHARED_SCALE("r11") "ldr lr, [sp, #32]\n\t" \
    SHARED_CODE("r8") SHARED_CODE("r9") SHARED_CODE("r10") SHARED_CODE("r11") "ldrd r12, lr, [sp, #24]\n\t" \
    SHARED_ROW_BELOW("r9") SHARED_STORE("r8") SHARED_ROW_BELOW("r11") SHARED_STORE("r10")
#define SHARED_LAST_1(ab, cd)                                                                      \
    "ldrd r8, r9, [sp]\n\t" PAIRS_LOAD("[r0]") PAIRS_TWO("r8", "r9", "r2", "r5", ab, cd)              \
    PAIRS_LOAD("[r0, #32]") PAIRS_TWO("r8", "r9", "r3", "r6", ab, cd)                                \
    PAIRS_LOAD("[r0, #64]") PAIRS_TWO("r8", "r9", "r4", "r7", ab, cd)                                \
    "ldrd r12, lr, [sp, #16]\n\t" SHARED_SCALE("r8") SHARED_SCALE("r9") "ldr lr, [sp, #32]\n\t"        \
    SHARED_CODE("r8") SHARED_CODE("r9") "ldr r12, [sp, #24]\n\t" SHARED_ROW_BELOW("r9") "strb r8, [r1]\n"

#define SHARED_BLOCK_2(ab, cd)                                                                     \
    "ldrd r8, r9, [sp]\n\t" PAIRS_LOAD("[r0], #128") PAIRS_FIRST("r8", ab, cd) PAIRS_REST("r8", "-96", "-64", ab, cd) \
    PAIRS_FIRST("r9", ab, cd) PAIRS_REST("r9", "-32", "0", ab, cd) "ldrd r12, lr, [sp, #16]\n\t"       \
    SHARED_SCALE("r8") SHARED_SCALE("r9") "ldr lr, [sp, #32]\n\t" SHARED_CODE("r8") SHARED_CODE("r9")  \
    "ldr lr, [sp, #28]\n\t" SHARED_STORE("r8") SHARED_STORE("r9")
#define SHARED_LAST_2(ab, cd)                                                                      \
    "ldr r8, [sp]\n\t" PAIRS_LOAD("[r0]") PAIRS_FIRST("r8", ab, cd) PAIRS_REST("r8", "32", "64", ab, cd) \
    "ldrd r12, lr, [sp, #16]\n\t" SHARED_SCALE("r8") "ldr lr, [sp, #32]\n\t" SHARED_CODE("r8") "strb r8, [r1]\n"

/* One or two rows of output of some channels; the lower pairs of rows come first in scratch when `swapped`. */
static inline void shared_run(const shared_rows *of, int32_t stride, int32_t swapped)
{
    register const shared_rows *rows __asm("r0") = of;
    if (stride == 1 && swapped) {
        SHARED_RUN(SHARED_BLOCK_1("lr", "r12"), SHARED_LAST_1("lr", "r12"));
    } else if (stride == 1) {
        SHARED_RUN(SHARED_BLOCK_1("r12", "lr"), SHARED_LAST_1("r12", "lr"));
    } else if (swapped) {
        SHARED_RUN(SHARED_BLOCK_2("lr", "r12"), SHARED_LAST_2("lr", "r12"));
    } else {
        SHARED_RUN(SHARED_BLOCK_2("r12", "lr"), SHARED_LAST_2("r12", "lr"));
    }
}

/* The table of row_pairs.h for some channels. */
static inline void shared_table(const int8_t *taps, const int32_t *table, int32_t channels, int32_t *to)
{
    for (int32_t c = 0; c < channels; c++, taps += SHARED_TAPS, table += SHARED_TABLE, to += PAIRS_WORDS) {
        for (int32_t j = 0; j < 3; j++) {
            const uint32_t upper = (uint32_t)taps[j] << taps[9], middle = (uint32_t)taps[3 + j] << taps[9];
            to[j] = (int32_t)low_halves(upper, middle);
            to[3 + j] = (int32_t)low_halves(middle, (uint32_t)taps[6 + j] << taps[9]);
        }
        memcpy(to + 6, table, SHARED_TABLE * sizeof *to);
    }
}

/* All rows of a group of channels: those from `skipped` on are computed. `x` and `y` point to the first of the group. */
static inline void shared_group(const depthwise_conv2d_shared_s8_params *p, const int8_t *x, const int32_t *table, int32_t skipped,
                                int8_t *y, uint32_t *scratch)
{
    const window_params *g = &p->window;
    const int32_t channels = g->in_c < PAIRS_GROUP ? g->in_c : PAIRS_GROUP;
    const int32_t together = g->stride_h == 1 ? 2 : 1; /* rows of output by two pairs of rows */
    shared_rows rows = {
        .pixel = g->out_pixel, .shift = p->shift, .table_end = table + (channels - skipped) * PAIRS_WORDS,
        .pairs = scratch + 2 * skipped, .y = y + skipped, .table = table,
        .blocks = g->out_w / 2 * 2 * g->stride_w * PAIRS_COLUMN, .odd = g->out_w % 2,
    };
    const int8_t zero = (int8_t)p->x_zero, padding[PAIRS_GROUP] = {zero, zero, zero, zero};
    int32_t row = -g->pad_top;
    for (int32_t left = g->out_h + together, odd = 0; left > 0; left -= together, odd ^= 1, row += 2) {
        pairs_of_rows(g, row, x, padding, scratch + odd);
        if (left <= g->out_h) {
            rows.second = together == 2 && left > 1 ? g->out_row : 0;
            shared_run(&rows, g->stride_w, !odd);
            rows.y += together * g->out_row;
        }
    }
}

static __attribute__((noinline)) void shared_layer(const depthwise_conv2d_shared_s8_params *p, const int8_t *x, const int8_t *taps,
                                                   const int32_t *table, int8_t *y, void *scratch)
{
    const window_params *g = &p->window;
    int32_t *const widened = scratch;
    uint32_t *const pairs = (uint32_t *)scratch + PAIRS_GROUP * PAIRS_WORDS;
    pairs_clear(g, p->x_zero, pairs);
    for (int32_t done = 0; done < g->in_c; done += PAIRS_GROUP) {
        const int32_t first = first_of_four(g->in_c, done);
        const int32_t count = g->in_c - done < PAIRS_GROUP ? g->in_c - done : PAIRS_GROUP;
        shared_table(taps + done * SHARED_TAPS, table + done * SHARED_TABLE, count, widened);
        for (int32_t batch = 0; batch < g->batches; batch++) {
            shared_group(p, x + batch * g->in_h * g->in_row + first, widened, done - first, y + batch * g->out_h * g->out_row + first, pairs);
        }
    }
}

/* x batches x in_h x in_w x in_c, taps in_c x SHARED_TAPS, table in_c x SHARED_TABLE, y batches x out_h x out_w x in_c,
 * scratch 4 * PAIRS_GROUP * PAIRS_WORDS + ((out_w - 1) * stride_w + 3) * PAIRS_COLUMN bytes. */
static inline void depthwise_conv2d_shared_s8(const depthwise_conv2d_shared_s8_params *p, const int8_t *x, const int8_t *taps,
                                              const int32_t *table, int8_t *y, void *scratch)
{
    shared_layer(p, x, taps, table, y, scratch);
}

#endif
