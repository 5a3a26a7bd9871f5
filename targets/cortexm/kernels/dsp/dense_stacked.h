/* dense: fully connected layer over the last axis, two weights stacked in a half-word.
 * A half-word is `low + 256 * high`, so that one SMLAD multiplies the weights of two outputs; a second one multiplies the low ones, and
 * the difference of the two sums is 256 times the high output's. That is 3 instructions for 4 products, and weights stay bytes in flash.
 * Inputs are widened to half-words in scratch memory. Layout and bounds: dense_stacked.py. The definition is compiler/ops/dense.py. */
#ifndef TAPEOUT_DENSE_STACKED_H
#define TAPEOUT_DENSE_STACKED_H

#include "high_word.h"
#include <string.h>

typedef struct {
    int32_t rows, inputs, outputs;
    int32_t four_words; /* of the stream, for four outputs */
    int32_t doubled, lo, hi;
    int32_t per_channel; /* whether the stream holds a multiplier, addend and shift for each output; else these are for all */
    int32_t mul, add, shift;
} dense_s8_stacked_params;

/* Two inputs by the weights of two outputs. */
#define DENSE_STACKED_PAIR(x, w, both, low)                                                                                      \
    "smlad " both ", " x ", " w ", " both "\n\t"                                                                                 \
    "sxtb16 " w ", " w "\n\t"                                                                                                    \
    "smlad " low ", " x ", " w ", " low "\n\t"

/* Eight inputs by the weights of two outputs. */
#define DENSE_STACKED_EIGHT(both, low)                                                                                           \
    "ldm r1!, {r10-r12, lr}\n\t" DENSE_STACKED_PAIR("r6", "r10", both, low) DENSE_STACKED_PAIR("r7", "r11", both, low)           \
        DENSE_STACKED_PAIR("r8", "r12", both, low) DENSE_STACKED_PAIR("r9", "lr", both, low)

/* A code of a sum, and of a doubled one, from its multiplier, addend and shift. */
#define DENSE_STACKED_CODE(sum, mul, add, shift)                                                                                 \
    "smmla " sum ", " sum ", " mul ", " add "\n\t"                                                                               \
    "asr " sum ", " sum ", " shift "\n\t"                                                                                        \
    "ssat " sum ", #8, " sum "\n\t"
#define DENSE_STACKED_CODE_DOUBLED(sum, mul, add, shift)                                                                         \
    "smmlar r0, " sum ", " mul ", " add "\n\t"                                                                                   \
    "add " sum ", r0, " sum ", asr #31\n\t"                                                                                      \
    "asr " sum ", " sum ", " shift "\n\t"                                                                                        \
    "ssat " sum ", #8, " sum "\n\t"

/* The codes of four sums, each by its own multiplier, or all alike. */
#define DENSE_STACKED_EACH(code)                                                                                                 \
    "ldm r1!, {r6-r11}\n\t" code("r3", "r6", "r7", "r8") code("r2", "r9", "r10", "r11")                                          \
    "ldm r1!, {r6-r11}\n\t" code("r5", "r6", "r7", "r8") code("r4", "r9", "r10", "r11")
#define DENSE_STACKED_ALIKE(code)                                                                                                \
    "ldr r0, %[alike]\n\t"                                                                                                       \
    "ldm r0, {r6-r8}\n\t" code("r3", "r6", "r7", "r8") code("r2", "r6", "r7", "r8")                                              \
    code("r5", "r6", "r7", "r8") code("r4", "r6", "r7", "r8")

/* Per four outputs: r0 inputs, r1 stream, r2 and r4 sums of two outputs, r3 and r5 those of the low one. The loop over eight blocks of
 * eight inputs is entered so far inside that the blocks left over come first; each instruction of it takes four bytes. */
#define DENSE_STACKED_ROW(high_shift, double_low, codes)                                                                         \
    __asm volatile("ldr r0, %[skip]\n\t"                                                                                         \
                   "adr r1, 2f\n\t"                                                                                              \
                   "mov r2, #(3f - 2f) / 8\n\t"                                                                                  \
                   "mla r0, r0, r2, r1\n\t"                                                                                      \
                   "orr r0, r0, #1\n\t"                                                                                          \
                   "str r0, %[skip]\n\t"                                                                                         \
                   "ldr r1, %[stream]\n\t"                                                                                       \
                   "1:\n\t"                                                                                                      \
                   "ldr r0, %[x]\n\t"                                                                                            \
                   "ldm r1!, {r2-r5}\n\t"                                                                                        \
                   "ldr pc, %[skip]\n\t"                                                                                         \
                   ".balign 4\n\t"                                                                                               \
                   "2:\n\t"                                                                                                      \
                   ".rept 8\n\t"                                                                                                 \
                   "ldm r0!, {r6-r9}\n\t" DENSE_STACKED_EIGHT("r2", "r3") DENSE_STACKED_EIGHT("r4", "r5")                        \
                   ".endr\n\t"                                                                                                   \
                   "3:\n\t"                                                                                                      \
                   "ldr r6, %[x_end]\n\t"                                                                                        \
                   "cmp r0, r6\n\t"                                                                                              \
                   "bne 2b\n\t"                                                                                                  \
                   "sub r2, r2, r3\n\t"                                                                                          \
                   "sub r4, r4, r5\n\t"                                                                                          \
                   "asr r2, r2, #" high_shift "\n\t"                                                                             \
                   "asr r4, r4, #" high_shift "\n\t" double_low codes                                                            \
                   "bfi r3, r2, #8, #8\n\t"                                                                                      \
                   "bfi r3, r5, #16, #8\n\t"                                                                                     \
                   "bfi r3, r4, #24, #8\n\t"                                                                                     \
                   "ldr r0, %[y]\n\t"                                                                                            \
                   "ldr r2, %[y_end]\n\t"                                                                                        \
                   "str r3, [r0], #4\n\t"                                                                                        \
                   "str r0, %[y]\n\t"                                                                                            \
                   "cmp r0, r2\n\t"                                                                                              \
                   "bne 1b\n\t"                                                                                                  \
                   : [skip] "+m"(skip), [y] "+m"(y)                                                                              \
                   : [x] "m"(x), [x_end] "m"(x_end), [stream] "m"(stream), [alike] "m"(alike), [y_end] "m"(y_end)                \
                   : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory")

/* The codes y to y_end of one row, whole words of four, from x to x_end, whole blocks of eight. `alike` is the multiplier, addend and shift of
 * all outputs where the stream has none. Functions of their own, as all layers of a network share the loop. */
#define DENSE_STACKED_FUNCTION(name, high_shift, double_low, codes)                                                              \
    static __attribute__((noinline, unused)) void name(const int16_t *x, const int16_t *x_end, const uint32_t *stream,           \
                                                       const int32_t *alike, int8_t *y, const int8_t *y_end)                     \
    {                                                                                                                            \
        int32_t skip = (int32_t)((x - x_end) / 8 & 7); /* blocks that are not for the first turn of the loop */                  \
        (void)alike;                                                                                                             \
        DENSE_STACKED_ROW(high_shift, double_low, codes);                                                                        \
    }
#define DENSE_STACKED_DOUBLE "lsl r3, r3, #1\n\tlsl r5, r5, #1\n\t"
DENSE_STACKED_FUNCTION(dense_stacked_row, "8", "", DENSE_STACKED_EACH(DENSE_STACKED_CODE))
DENSE_STACKED_FUNCTION(dense_stacked_row_alike, "8", "", DENSE_STACKED_ALIKE(DENSE_STACKED_CODE))
DENSE_STACKED_FUNCTION(dense_stacked_row_doubled, "7", DENSE_STACKED_DOUBLE, DENSE_STACKED_EACH(DENSE_STACKED_CODE_DOUBLED))
DENSE_STACKED_FUNCTION(dense_stacked_row_doubled_alike, "7", DENSE_STACKED_DOUBLE, DENSE_STACKED_ALIKE(DENSE_STACKED_CODE_DOUBLED))

/* Widens `count` codes to half-words in the order 0 2 1 3 of each four, and zeros up to a whole block of eight; returns their end. */
static __attribute__((noinline)) int16_t *dense_stacked_widen(const int8_t *x, int32_t count, int16_t *wide)
{
    int32_t i = 0;
    uint32_t *words = (uint32_t *)(void *)wide;
    for (; i + 4 <= count; i += 4) {
        uint32_t four;
        memcpy(&four, x + i, 4);
        *words++ = sxtb16(four);
        *words++ = sxtb16_ror8(four);
    }
    int16_t *next = (int16_t *)(void *)words;
    for (; i % 8 || i < count; i++) {
        const int32_t place = i % 4;
        next[place == 1 ? 2 : place == 2 ? 1 : place] = i < count ? x[i] : 0;
        next += place == 3 ? 4 : 0;
    }
    return next;
}

/* The codes of one row; its outputs are y to y_end. */
static inline void dense_stacked_fours(const dense_s8_stacked_params *p, const int16_t *x, const int16_t *x_end, const uint32_t *stream,
                                       int8_t *y, const int8_t *y_end) __attribute__((always_inline));
static inline void dense_stacked_fours(const dense_s8_stacked_params *p, const int16_t *x, const int16_t *x_end, const uint32_t *stream,
                                       int8_t *y, const int8_t *y_end)
{
    const int32_t alike[3] = {p->mul, p->add, p->shift};
    if (p->per_channel) {
        (p->doubled ? dense_stacked_row_doubled : dense_stacked_row)(x, x_end, stream, alike, y, y_end);
    } else {
        (p->doubled ? dense_stacked_row_doubled_alike : dense_stacked_row_alike)(x, x_end, stream, alike, y, y_end);
    }
}

/* x rows x inputs, stream as packed, y rows x outputs, scratch a row of half-words */
static inline void dense_s8_stacked(const dense_s8_stacked_params *p, const int8_t *x, const uint32_t *stream, int8_t *y, void *scratch)
    __attribute__((always_inline));
static inline void dense_s8_stacked(const dense_s8_stacked_params *p, const int8_t *x, const uint32_t *stream, int8_t *y, void *scratch)
{
    const int32_t rest = p->outputs % 4;
    for (int32_t row = 0; row < p->rows; row++) {
        const int16_t *end = dense_stacked_widen(x + row * p->inputs, p->inputs, (int16_t *)scratch);
        int8_t *codes = y + row * p->outputs;
        int8_t *const last = codes + p->outputs - rest;
        if (p->outputs > rest) {
            dense_stacked_fours(p, (const int16_t *)scratch, end, stream, codes, last);
        }
        if (rest) {
            int8_t four[4];
            dense_stacked_fours(p, (const int16_t *)scratch, end, stream + p->outputs / 4 * p->four_words, four, four + 4);
            memcpy(last, four, (size_t)rest);
        }
        for (int32_t i = 0; i < p->outputs && (p->lo > -128 || p->hi < 127); i++) {
            codes[i] = (int8_t)clip_code(codes[i], p->lo, p->hi);
        }
    }
}

#endif
