/* dense: fully connected layer over the last axis, two weights stacked in a half-word.
 * A half-word is `low + 256 * high`, so that one SMLAD multiplies the weights of two outputs; a second one multiplies the low ones, and
 * the difference of the two sums is 256 times the high output's. That is 3 instructions for 4 products, and weights stay bytes in flash.
 * Inputs are widened to half-words, in scratch memory or as they are read. Layout and bounds: dense_stacked.py.
 * The definition is compiler/ops/dense.py. */
#ifndef TAPEOUT_DENSE_STACKED_H
#define TAPEOUT_DENSE_STACKED_H

#include "dense_widen.h"
#include "high_word.h"
#include <string.h>

typedef struct {
    int32_t rows, inputs, outputs;
    int32_t four_words; /* of the stream, for four outputs */
    int32_t doubled, lo, hi;
    int32_t per_channel; /* whether the stream holds a multiplier, addend and shift for each output; else these are for all */
    int32_t mul, add, shift;
} dense_s8_stacked_params;
typedef dense_s8_stacked_params dense_s8_stacked_offset_params;
typedef dense_s8_stacked_params dense_s8_stacked_bytes_params;

/* Two inputs by the weights of two outputs. */
#define DENSE_STACKED_PAIR(extend, x, w, both, low)                                                                              \
    "smlad " both ", " x ", " w ", " both "\n\t"                                                                                 \
    extend " " w ", " w "\n\t"                                                                                                   \
    "smlad " low ", " x ", " w ", " low "\n\t"

/* Eight inputs by the weights of two outputs. */
#define DENSE_STACKED_EIGHT(extend, both, low)                                                                                   \
    "ldm r1!, {r10-r12, lr}\n\t"                                                                                                 \
    DENSE_STACKED_PAIR(extend, "r6", "r10", both, low) DENSE_STACKED_PAIR(extend, "r7", "r11", both, low)                        \
    DENSE_STACKED_PAIR(extend, "r8", "r12", both, low) DENSE_STACKED_PAIR(extend, "r9", "lr", both, low)

/* Eight inputs as half-words, in pairs 0 and 2, 1 and 3, 4 and 6, 5 and 7; from half-words in this order, and from bytes. */
#define DENSE_STACKED_HALVES "ldm r0!, {r6-r9}\n\t"
#define DENSE_STACKED_BYTES                                                                                                      \
    "ldm r0!, {r6, r8}\n\t"                                                                                                      \
    "sxtb16 r7, r6, ror #8\n\t"                                                                                                  \
    "sxtb16 r9, r8, ror #8\n\t"                                                                                                  \
    "sxtb16 r6, r6\n\t"                                                                                                          \
    "sxtb16 r8, r8\n\t"

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
#define DENSE_STACKED_ROW(load, extend, high_shift, finish_low, codes)                                                           \
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
                   load DENSE_STACKED_EIGHT(extend, "r2", "r3") DENSE_STACKED_EIGHT(extend, "r4", "r5")                          \
                   ".endr\n\t"                                                                                                   \
                   "3:\n\t"                                                                                                      \
                   "ldr r6, %[x_end]\n\t"                                                                                        \
                   "cmp r0, r6\n\t"                                                                                              \
                   "bne 2b\n\t"                                                                                                  \
                   "sub r2, r2, r3\n\t"                                                                                          \
                   "sub r4, r4, r5\n\t"                                                                                          \
                   "asr r2, r2, #" high_shift "\n\t"                                                                             \
                   "asr r4, r4, #" high_shift "\n\t" finish_low codes                                                            \
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
                   : [x] "m"(x), [x_end] "m"(x_end), [stream] "m"(stream), [alike] "m"(alike),                                   \
                     [offset] "m"(offset), [y_end] "m"(y_end)                                                                    \
                   : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory")

/* The codes y to y_end of one row, whole words of four, from x to x_end, whole blocks of eight inputs. `alike` is the multiplier, addend and
 * shift of all outputs where the stream has none, `offset` what the low sums are too large by. Functions of their own, as all layers of
 * a network share the loop; unused ones are dropped. */
#define DENSE_STACKED_FUNCTION(name, block, load, extend, high_shift, finish_low, codes)                                         \
    static __attribute__((noinline, unused)) void name(const int8_t *x, const int8_t *x_end, const uint32_t *stream,             \
                                                       const int32_t *alike, int32_t offset, int8_t *y, const int8_t *y_end)     \
    {                                                                                                                            \
        int32_t skip = (int32_t)((x - x_end) / block & 7); /* blocks that are not for the first turn of the loop */              \
        (void)alike;                                                                                                             \
        (void)offset;                                                                                                            \
        DENSE_STACKED_ROW(load, extend, high_shift, finish_low, codes);                                                          \
    }
#define DENSE_STACKED_DOUBLE "lsl r3, r3, #1\n\tlsl r5, r5, #1\n\t"
#define DENSE_STACKED_OFFSET "ldr r6, %[offset]\n\tsub r3, r3, r6\n\tsub r5, r5, r6\n\t"
#define DENSE_STACKED_FUNCTIONS(name, block, load, extend, low)                                                                  \
    DENSE_STACKED_FUNCTION(name, block, load, extend, "8", low, DENSE_STACKED_EACH(DENSE_STACKED_CODE))                          \
    DENSE_STACKED_FUNCTION(name##_alike, block, load, extend, "8", low, DENSE_STACKED_ALIKE(DENSE_STACKED_CODE))                 \
    DENSE_STACKED_FUNCTION(name##_doubled, block, load, extend, "7", low DENSE_STACKED_DOUBLE,                                   \
                           DENSE_STACKED_EACH(DENSE_STACKED_CODE_DOUBLED))                                                       \
    DENSE_STACKED_FUNCTION(name##_doubled_alike, block, load, extend, "7", low DENSE_STACKED_DOUBLE,                             \
                           DENSE_STACKED_ALIKE(DENSE_STACKED_CODE_DOUBLED))
DENSE_STACKED_FUNCTIONS(dense_stacked_halves, 16, DENSE_STACKED_HALVES, "sxtb16", "")
DENSE_STACKED_FUNCTIONS(dense_stacked_offset, 16, DENSE_STACKED_HALVES, "uxtb16", DENSE_STACKED_OFFSET)
DENSE_STACKED_FUNCTIONS(dense_stacked_bytes, 8, DENSE_STACKED_BYTES, "sxtb16", "")

/* 128 times the sum of the half-words x to x_end. */
static __attribute__((noinline, unused)) int32_t dense_stacked_sum(const int8_t *x, const int8_t *x_end)
{
    int32_t sum = 0;
    for (const uint32_t *word = (const uint32_t *)(const void *)x; word < (const uint32_t *)(const void *)x_end; word++) {
        __asm("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(*word), "r"(0x00800080));
    }
    return sum;
}

/* The function that reads inputs and weights in one of three ways, for these parameters. */
#define DENSE_STACKED_CALL(p, name)                                                                                              \
    if ((p)->per_channel) {                                                                                                      \
        ((p)->doubled ? name##_doubled : name)(x, x_end, stream, alike, offset, y, y_end);                                       \
    } else {                                                                                                                     \
        ((p)->doubled ? name##_doubled_alike : name##_alike)(x, x_end, stream, alike, offset, y, y_end);                         \
    }
typedef enum { STACKED_HALVES, STACKED_OFFSET, STACKED_BYTES } dense_stacked_form;

/* The codes y to y_end of one row. */
static inline void dense_stacked_fours(const dense_s8_stacked_params *p, dense_stacked_form form, const int8_t *x, const int8_t *x_end,
                                       const uint32_t *stream, int8_t *y, const int8_t *y_end) __attribute__((always_inline));
static inline void dense_stacked_fours(const dense_s8_stacked_params *p, dense_stacked_form form, const int8_t *x, const int8_t *x_end,
                                       const uint32_t *stream, int8_t *y, const int8_t *y_end)
{
    const int32_t alike[3] = {p->mul, p->add, p->shift};
    const int32_t offset = form == STACKED_OFFSET ? dense_stacked_sum(x, x_end) : 0;
    if (form == STACKED_HALVES) {
        DENSE_STACKED_CALL(p, dense_stacked_halves)
    } else if (form == STACKED_OFFSET) {
        DENSE_STACKED_CALL(p, dense_stacked_offset)
    } else {
        DENSE_STACKED_CALL(p, dense_stacked_bytes)
    }
}

/* One row of outputs from the inputs x to x_end. */
static inline void dense_stacked_outputs(const dense_s8_stacked_params *p, dense_stacked_form form, const int8_t *x, const int8_t *x_end,
                                         const uint32_t *stream, int8_t *y) __attribute__((always_inline));
static inline void dense_stacked_outputs(const dense_s8_stacked_params *p, dense_stacked_form form, const int8_t *x, const int8_t *x_end,
                                         const uint32_t *stream, int8_t *y)
{
    const int32_t rest = p->outputs % 4;
    int8_t *const last = y + p->outputs - rest;
    if (p->outputs > rest) {
        dense_stacked_fours(p, form, x, x_end, stream, y, last);
    }
    if (rest) {
        int8_t four[4];
        dense_stacked_fours(p, form, x, x_end, stream + p->outputs / 4 * p->four_words, four, four + 4);
        memcpy(last, four, (size_t)rest);
    }
    for (int32_t i = 0; i < p->outputs && (p->lo > -128 || p->hi < 127); i++) {
        y[i] = (int8_t)clip_code(y[i], p->lo, p->hi);
    }
}

/* All rows, by half-words. */
static inline void dense_stacked_rows(const dense_s8_stacked_params *p, dense_stacked_form form, const int8_t *x, const uint32_t *stream,
                                      int8_t *y, void *scratch) __attribute__((always_inline));
static inline void dense_stacked_rows(const dense_s8_stacked_params *p, dense_stacked_form form, const int8_t *x, const uint32_t *stream,
                                      int8_t *y, void *scratch)
{
    for (int32_t row = 0; row < p->rows; row++) {
        const int8_t *end = dense_widen(x + row * p->inputs, p->inputs, (uint32_t *)scratch);
        dense_stacked_outputs(p, form, (const int8_t *)scratch, end, stream, y + row * p->outputs);
    }
}

/* x rows x inputs, stream as packed, y rows x outputs, scratch a row of half-words */
static inline void dense_s8_stacked(const dense_s8_stacked_params *p, const int8_t *x, const uint32_t *stream, int8_t *y, void *scratch)
    __attribute__((always_inline));
static inline void dense_s8_stacked(const dense_s8_stacked_params *p, const int8_t *x, const uint32_t *stream, int8_t *y, void *scratch)
{
    dense_stacked_rows(p, STACKED_HALVES, x, stream, y, scratch);
}

/* The same for low weights that are stored 128 too large: any high weight fits on top of these. */
static inline void dense_s8_stacked_offset(const dense_s8_stacked_offset_params *p, const int8_t *x, const uint32_t *stream, int8_t *y,
                                           void *scratch) __attribute__((always_inline));
static inline void dense_s8_stacked_offset(const dense_s8_stacked_offset_params *p, const int8_t *x, const uint32_t *stream, int8_t *y,
                                           void *scratch)
{
    dense_stacked_rows(p, STACKED_OFFSET, x, stream, y, scratch);
}

/* The same without scratch, for whole blocks of inputs: they are widened again for every four outputs. */
static inline void dense_s8_stacked_bytes(const dense_s8_stacked_bytes_params *p, const int8_t *x, const uint32_t *stream, int8_t *y)
    __attribute__((always_inline));
static inline void dense_s8_stacked_bytes(const dense_s8_stacked_bytes_params *p, const int8_t *x, const uint32_t *stream, int8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        const int8_t *first = x + row * p->inputs;
        dense_stacked_outputs(p, STACKED_BYTES, first, first + p->inputs, stream, y + row * p->outputs);
    }
}

#endif
