/* dense on Helium: eight outputs at a time, VMLADAVA over 16 inputs, or 8 of 16 bits; see layer.py for the stream. */
#ifndef TAPEOUT_DENSE_MVE_H
#define TAPEOUT_DENSE_MVE_H

#include "helium.h"

/* Of inputs and weights: bytes by bytes, bytes by nibbles, of which sums are 16 times as large, half-words by bytes. */
typedef enum { DENSE_BYTES, DENSE_NIBBLES, DENSE_HALVES } dense_mve_kind;

typedef struct {
    int32_t kind;
    int32_t rows, inputs, outputs; /* inputs count bytes */
    int32_t blocks;                /* of 16 bytes of inputs */
    helium_codes codes;
} dense_s8_mve_params;

/* What the assembly reads by r1. */
typedef struct {
    const int8_t *x;
    const int32_t *stream;
    int8_t *y;
    const int32_t *end; /* of the stream */
} dense_s8_mve_row;

#define DENSE_OF_BYTES(instruction)                                                                                                        \
    "vldrb.u8 q0, [r7], #16\n"                                                                                                             \
    "vldrb.u8 q1, [r3], #16\n" instruction " r0, q0, q1\n"                                                                                 \
    "vldrb.u8 q2, [r3], #16\n" instruction " r2, q0, q2\n"                                                                                 \
    "vldrb.u8 q1, [r3], #16\n" instruction " r4, q0, q1\n"                                                                                 \
    "vldrb.u8 q2, [r3], #16\n" instruction " r6, q0, q2\n"                                                                                 \
    "vldrb.u8 q1, [r3], #16\n" instruction " r8, q0, q1\n"                                                                                 \
    "vldrb.u8 q2, [r3], #16\n" instruction " r10, q0, q2\n"                                                                                \
    "vldrb.u8 q1, [r3], #16\n" instruction " r12, q0, q1\n"                                                                                \
    "vldrb.u8 q2, [r3], #16\n" instruction " lr, q0, q2\n"

/* Of each byte of weights, the low nibble is of one output, the high one of the next; q7 has a mask. */
#define DENSE_OF_NIBBLES(instruction)                                                                                                      \
    "vldrb.u8 q0, [r7], #16\n"                                                                                                             \
    "vldrb.u8 q1, [r3], #16\n"                                                                                                             \
    "vshl.i8 q2, q1, #4\n" instruction " r0, q0, q2\n"                                                                                     \
    "vand q1, q1, q7\n" instruction " r2, q0, q1\n"                                                                                        \
    "vldrb.u8 q1, [r3], #16\n"                                                                                                             \
    "vshl.i8 q2, q1, #4\n" instruction " r4, q0, q2\n"                                                                                     \
    "vand q1, q1, q7\n" instruction " r6, q0, q1\n"                                                                                        \
    "vldrb.u8 q1, [r3], #16\n"                                                                                                             \
    "vshl.i8 q2, q1, #4\n" instruction " r8, q0, q2\n"                                                                                     \
    "vand q1, q1, q7\n" instruction " r10, q0, q1\n"                                                                                       \
    "vldrb.u8 q1, [r3], #16\n"                                                                                                             \
    "vshl.i8 q2, q1, #4\n" instruction " r12, q0, q2\n"                                                                                    \
    "vand q1, q1, q7\n" instruction " lr, q0, q1\n"

#define DENSE_OF_HALVES(instruction)                                                                                                       \
    "vldrh.u16 q0, [r7], #16\n"                                                                                                            \
    "vldrb.s16 q1, [r3], #8\n" instruction " r0, q0, q1\n"                                                                                 \
    "vldrb.s16 q2, [r3], #8\n" instruction " r2, q0, q2\n"                                                                                 \
    "vldrb.s16 q1, [r3], #8\n" instruction " r4, q0, q1\n"                                                                                 \
    "vldrb.s16 q2, [r3], #8\n" instruction " r6, q0, q2\n"                                                                                 \
    "vldrb.s16 q1, [r3], #8\n" instruction " r8, q0, q1\n"                                                                                 \
    "vldrb.s16 q2, [r3], #8\n" instruction " r10, q0, q2\n"                                                                                \
    "vldrb.s16 q1, [r3], #8\n" instruction " r12, q0, q1\n"                                                                                \
    "vldrb.s16 q2, [r3], #8\n" instruction " lr, q0, q2\n"

/* Bytes of a row of outputs. */
static inline int32_t dense_mve_row_bytes(const dense_s8_mve_params *p)
{
    return (p->kind == DENSE_HALVES ? 2 : 1) * p->outputs;
}

static inline int32_t dense_s8_mve_words(const dense_s8_mve_params *p)
{
    return (p->outputs + 7) / 8 * ((p->kind == DENSE_BYTES ? 32 : 16) * p->blocks + 32 + (p->outputs % 8 != 0));
}

#define DENSE_RUN(before, products, type, narrow, store, step)                                                                             \
    __asm volatile("ldrd r9, r3, [r1]\n"                                                                                                   \
                   "ldrd r5, r11, [r1, #8]\n"                                                                                              \
                   before                                                                                                                  \
                   "1: mov r7, r9\n" products("vmladav" type)                                                                              \
                   ".if %c[loops]\n"                                                                                                       \
                   "mov r1, #%c[loops]\n"                                                                                                  \
                   "2:\n"                                                                                                                  \
                   ".rept 8\n" products("vmladava" type)                                                                                   \
                   ".endr\n"                                                                                                               \
                   "subs r1, #1\n"                                                                                                         \
                   "bne 2b\n"                                                                                                              \
                   ".endif\n"                                                                                                              \
                   ".rept %c[rest]\n" products("vmladava" type)                                                                            \
                   ".endr\n" HELIUM_GATHER_SUMS                                                                                            \
                   HELIUM_LOAD("q2") HELIUM_LOAD("q3") "vadd.i32 q0, q0, q2\n" HELIUM_SCALE("q0", "q3", "q4")                              \
                   HELIUM_LOAD("q2") HELIUM_LOAD("q3") HELIUM_SHIFT("q0", "q2", "q3", "q4")                                                \
                   HELIUM_LOAD("q2") HELIUM_LOAD("q3") "vadd.i32 q1, q1, q2\n" HELIUM_SCALE("q1", "q3", "q4")                              \
                   HELIUM_LOAD("q2") HELIUM_LOAD("q3") HELIUM_SHIFT("q1", "q2", "q3", "q4") narrow                                         \
                   ".if %c[odd]\n"                                                                                                         \
                   "ldr r0, [r3], #4\n"                                                                                                    \
                   "vmsr p0, r0\n"                                                                                                         \
                   "vpst\n"                                                                                                                \
                   store "t.16 q0, [r5], #" step "\n"                                                                                      \
                   ".else\n"                                                                                                               \
                   store ".16 q0, [r5], #" step "\n"                                                                                       \
                   ".endif\n"                                                                                                              \
                   "cmp r3, r11\n"                                                                                                         \
                   "bne 1b\n" HELIUM_ROOM                                                                                                  \
                   : "+r"(at)                                                                                                              \
                   : HELIUM_CODES(p->codes), [loops] "i"((p->blocks - 1) / 8), [rest] "i"((p->blocks - 1) % 8), [odd] "i"(p->outputs % 8)  \
                   : HELIUM_CLOBBERS, "q7")

/* One row of outputs; the two fours of a step are its even and its odd outputs. */
static inline void dense_s8_mve_outputs(const dense_s8_mve_params *, const dense_s8_mve_row *) __attribute__((always_inline));
static inline void dense_s8_mve_outputs(const dense_s8_mve_params *p, const dense_s8_mve_row *row)
{
    register const dense_s8_mve_row *at __asm("r1") = row;
    if (p->kind == DENSE_NIBBLES) {
        DENSE_RUN("vmov.i8 q7, #0xf0\n", DENSE_OF_NIBBLES, ".s8", HELIUM_NARROW, "vstrb", "8");
    } else if (p->kind == DENSE_HALVES) {
        DENSE_RUN("", DENSE_OF_HALVES, ".s16", HELIUM_NARROW_16, "vstrh", "16");
    } else {
        DENSE_RUN("", DENSE_OF_BYTES, ".s8", HELIUM_NARROW, "vstrb", "8");
    }
}

static inline void dense_s8_mve(const dense_s8_mve_params *, const int8_t *, const int32_t *, int8_t *)
    __attribute__((always_inline)); /* so that the parameters are constants of the assembly */

/* x rows x inputs, which are whole vectors; y rows x outputs */
static inline void dense_s8_mve(const dense_s8_mve_params *p, const int8_t *x, const int32_t *stream, int8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        const dense_s8_mve_row at = {x + row * p->inputs, stream, y + row * dense_mve_row_bytes(p), stream + dense_s8_mve_words(p)};
        dense_s8_mve_outputs(p, &at);
    }
}

typedef dense_s8_mve_params dense_s8_mve_padded_params;

static inline void dense_s8_mve_padded(const dense_s8_mve_params *, const int8_t *, const int32_t *, int8_t *, uint8_t *)
    __attribute__((always_inline));

/* x rows x inputs, y rows x outputs; scratch takes a row of inputs and what fills its last vector */
static inline void dense_s8_mve_padded(const dense_s8_mve_params *p, const int8_t *x, const int32_t *stream, int8_t *y, uint8_t *scratch)
{
    int8_t *const inputs = (int8_t *)scratch;
    helium_fill(inputs, 0, 16 * p->blocks);
    for (int32_t row = 0; row < p->rows; row++) {
        const dense_s8_mve_row at = {inputs, stream, y + row * dense_mve_row_bytes(p), stream + dense_s8_mve_words(p)};
        helium_copy(inputs, x + row * p->inputs, p->inputs);
        dense_s8_mve_outputs(p, &at);
    }
}

#undef DENSE_OF_BYTES
#undef DENSE_OF_NIBBLES
#undef DENSE_OF_HALVES
#undef DENSE_RUN

#endif
