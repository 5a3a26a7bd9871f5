/* conv2d on Helium: two pixels by four output channels at a time, VMLADAVA over 16 codes of a window, or 8 of 16 bits; see layer.py for
 * the stream.
 * A window is read where it lies, as runs of codes that are contiguous in x, or from a copy in scratch, where it meets the padding. */
#ifndef TAPEOUT_CONV2D_MVE_H
#define TAPEOUT_CONV2D_MVE_H

#include "helium.h"
#include "window.h"
#include <stddef.h>

/* Of activations and weights: bytes by bytes, bytes by nibbles, of which sums are 16 times as large, half-words by bytes. */
typedef enum { CONV2D_BYTES, CONV2D_NIBBLES, CONV2D_HALVES } conv2d_mve_kind;

typedef struct {
    window_params window; /* what it says of the input counts bytes */
    int32_t kind;
    int32_t direct;  /* whether windows are read where they lie, if they can be: then a run is a row of taps, else all of a window */
    int32_t runs;    /* of a window */
    int32_t blocks;  /* of 16 bytes, of a run */
    int32_t spacing; /* bytes from one row of taps to the next in a copy */
    int32_t x_zero;
    helium_codes codes;
} conv2d_s8_mve_params;

typedef conv2d_s8_mve_params conv2d_s8_mve_inside_params;

/* What the assembly reads by r1: two windows and how far the next run lies behind the end of the last, and the outputs. */
typedef struct {
    const int8_t *x[2];
    const int32_t *stream;
    int8_t *y;
    int32_t step;
    const int32_t *end;  /* of the stream */
    uint16_t offsets[8]; /* from y, of the first channel of both pixels, the second of both, ... */
} conv2d_s8_mve_pair;

#define CONV2D_OF_BYTES(instruction)                                                                                                       \
    "vldrb.u8 q0, [r7], #16\n"                                                                                                             \
    "vldrb.u8 q2, [r3], #16\n" instruction " r0, q0, q2\n"                                                                                 \
    "vldrb.u8 q1, [r9], #16\n" instruction " r8, q1, q2\n"                                                                                 \
    "vldrb.u8 q3, [r3], #16\n" instruction " r2, q0, q3\n" instruction " r10, q1, q3\n"                                                    \
    "vldrb.u8 q2, [r3], #16\n" instruction " r4, q0, q2\n" instruction " r12, q1, q2\n"                                                    \
    "vldrb.u8 q3, [r3], #16\n" instruction " r6, q0, q3\n" instruction " lr, q1, q3\n"

/* Of each byte of weights, the low nibble is of one channel, the high one of the next; q7 has a mask. */
#define CONV2D_OF_NIBBLES(instruction)                                                                                                     \
    "vldrb.u8 q0, [r7], #16\n"                                                                                                             \
    "vldrb.u8 q2, [r3], #16\n"                                                                                                             \
    "vshl.i8 q3, q2, #4\n" instruction " r0, q0, q3\n"                                                                                     \
    "vldrb.u8 q1, [r9], #16\n" instruction " r8, q1, q3\n"                                                                                 \
    "vand q2, q2, q7\n" instruction " r2, q0, q2\n" instruction " r10, q1, q2\n"                                                           \
    "vldrb.u8 q2, [r3], #16\n"                                                                                                             \
    "vshl.i8 q3, q2, #4\n" instruction " r4, q0, q3\n" instruction " r12, q1, q3\n"                                                        \
    "vand q2, q2, q7\n" instruction " r6, q0, q2\n" instruction " lr, q1, q2\n"

#define CONV2D_OF_HALVES(instruction)                                                                                                      \
    "vldrh.u16 q0, [r7], #16\n"                                                                                                            \
    "vldrb.s16 q2, [r3], #8\n" instruction " r0, q0, q2\n"                                                                                 \
    "vldrh.u16 q1, [r9], #16\n" instruction " r8, q1, q2\n"                                                                                \
    "vldrb.s16 q3, [r3], #8\n" instruction " r2, q0, q3\n" instruction " r10, q1, q3\n"                                                    \
    "vldrb.s16 q2, [r3], #8\n" instruction " r4, q0, q2\n" instruction " r12, q1, q2\n"                                                    \
    "vldrb.s16 q3, [r3], #8\n" instruction " r6, q0, q3\n" instruction " lr, q1, q3\n"

static inline void conv2d_s8_mve_outputs(const conv2d_s8_mve_params *, const conv2d_s8_mve_pair *) __attribute__((always_inline));

#define CONV2D_RUN(before, products, type, narrow, store, step)                                                                            \
    __asm volatile("ldrd r3, r5, [r1, #8]\n"                                                                                               \
                   "add r0, r1, #24\n"                                                                                                     \
                   "vldrh.u16 q6, [r0]\n"                                                                                                  \
                   before                                                                                                                  \
                   ".if %c[more]\n" /* r11 is the step, the end or a counter */                                                            \
                   "ldr r11, [r1, #16]\n"                                                                                                  \
                   ".elseif !%c[loops]\n"                                                                                                  \
                   "ldr r11, [r1, #20]\n"                                                                                                  \
                   ".endif\n"                                                                                                              \
                   "1: ldrd r7, r9, [r1]\n" products("vmladav" type)                                                                       \
                   ".if %c[loops]\n"                                                                                                       \
                   "mov r11, #%c[loops]\n"                                                                                                 \
                   "2:\n"                                                                                                                  \
                   ".rept 8\n" products("vmladava" type)                                                                                   \
                   ".endr\n"                                                                                                               \
                   "subs r11, #1\n"                                                                                                        \
                   "bne 2b\n"                                                                                                              \
                   ".endif\n"                                                                                                              \
                   ".rept %c[rest]\n" products("vmladava" type)                                                                            \
                   ".endr\n"                                                                                                               \
                   ".rept %c[more]\n"                                                                                                      \
                   "add r7, r11\n"                                                                                                         \
                   "add r9, r11\n"                                                                                                         \
                   ".rept %c[blocks]\n" products("vmladava" type)                                                                          \
                   ".endr\n"                                                                                                               \
                   ".endr\n" HELIUM_GATHER_SUMS                                                                                            \
                   HELIUM_LOAD("q2") HELIUM_LOAD("q3")                                                                                     \
                   "vadd.i32 q0, q0, q2\n"                                                                                                 \
                   "vadd.i32 q1, q1, q2\n"                                                                                                 \
                   HELIUM_SCALE("q0", "q3", "q4") HELIUM_SCALE("q1", "q3", "q5")                                                           \
                   HELIUM_LOAD("q2") HELIUM_LOAD("q3")                                                                                     \
                   HELIUM_SHIFT("q0", "q2", "q3", "q4") HELIUM_SHIFT("q1", "q2", "q3", "q5") narrow                                        \
                   ".if %c[odd]\n"                                                                                                         \
                   "ldr r0, [r3], #4\n"                                                                                                    \
                   "vmsr p0, r0\n"                                                                                                         \
                   "vpst\n"                                                                                                                \
                   store "t.16 q0, [r5, q6]\n"                                                                                             \
                   ".else\n"                                                                                                               \
                   store ".16 q0, [r5, q6]\n"                                                                                              \
                   ".endif\n"                                                                                                              \
                   "adds r5, #" step "\n"                                                                                                  \
                   ".if %c[more] || %c[loops]\n"                                                                                           \
                   "ldr r0, [r1, #20]\n"                                                                                                   \
                   "cmp r3, r0\n"                                                                                                          \
                   ".else\n"                                                                                                               \
                   "cmp r3, r11\n"                                                                                                         \
                   ".endif\n"                                                                                                              \
                   "bne 1b\n" HELIUM_ROOM                                                                                                  \
                   : "+r"(at)                                                                                                              \
                   : HELIUM_CODES(p->codes), [blocks] "i"(p->blocks), [more] "i"(p->runs - 1), [loops] "i"(loops),                         \
                     [rest] "i"(p->blocks - 1 - 8 * loops), [odd] "i"(p->window.out_c % 4)                                                 \
                   : HELIUM_CLOBBERS, "q7")

/* All channels of two pixels. */
static inline void conv2d_s8_mve_outputs(const conv2d_s8_mve_params *p, const conv2d_s8_mve_pair *pair)
{
    register const conv2d_s8_mve_pair *at __asm("r1") = pair;
    const int32_t loops = p->runs == 1 ? (p->blocks - 1) / 8 : 0;
    if (p->kind == CONV2D_NIBBLES) {
        CONV2D_RUN("vmov.i8 q7, #0xf0\n", CONV2D_OF_NIBBLES, ".s8", HELIUM_NARROW, "vstrb", "4");
    } else if (p->kind == CONV2D_HALVES) {
        CONV2D_RUN("", CONV2D_OF_HALVES, ".s16", HELIUM_NARROW_16, "vstrh", "8");
    } else {
        CONV2D_RUN("", CONV2D_OF_BYTES, ".s8", HELIUM_NARROW, "vstrb", "4");
    }
}

/* Bytes of a code. */
static inline int32_t conv2d_mve_width(const conv2d_s8_mve_params *p)
{
    return p->kind == CONV2D_HALVES ? 2 : 1;
}

static inline conv2d_s8_mve_pair conv2d_s8_mve_first(const conv2d_s8_mve_params *p, const int32_t *stream, int8_t *y)
{
    const int32_t channels = p->window.out_c;
    const int32_t group = (p->kind == CONV2D_BYTES ? 16 : 8) * p->blocks * p->runs + 16 + (channels % 4 != 0);
    conv2d_s8_mve_pair at = {{NULL, NULL}, stream, y, p->window.dilation_h * p->window.in_row - 16 * p->blocks,
                             stream + (channels + 3) / 4 * group, {0}};
    for (int32_t i = 0; i < 8; i++) {
        at.offsets[i] = (uint16_t)(conv2d_mve_width(p) * (i / 2 + i % 2 * channels));
    }
    return at;
}

/* Lets the second pixel be the first once more. */
static inline void conv2d_s8_mve_alone(conv2d_s8_mve_pair *at)
{
    for (int32_t i = 1; i < 8; i += 2) {
        at->offsets[i] = at->offsets[i - 1];
    }
}

/* A window: the pixel of its output, rows counted over all batches, and the index in x of its first tap, which may lie in the padding. */
typedef struct {
    int32_t row, column;
    int32_t origin;
} conv2d_s8_mve_window;

static inline conv2d_s8_mve_window conv2d_s8_mve_row(const window_params *g, int32_t row)
{
    const int32_t batch = g->batches == 1 ? 0 : row / g->out_h;
    const int32_t top = (row - batch * g->out_h) * g->stride_h - g->pad_top;
    return (conv2d_s8_mve_window){row, 0, (batch * g->in_h + top) * g->in_row - g->pad_left * g->in_pixel};
}

static inline conv2d_s8_mve_window conv2d_s8_mve_next(const window_params *, const conv2d_s8_mve_window *) __attribute__((always_inline));

static inline conv2d_s8_mve_window conv2d_s8_mve_next(const window_params *g, const conv2d_s8_mve_window *at)
{
    const int32_t side_by_side = g->stride_h == 1 && g->stride_w == 1 && g->out_w == g->in_w && g->out_h == g->in_h && !g->pad_top
                                 && !g->pad_left;
    const conv2d_s8_mve_window next = {at->row, at->column + 1, at->origin + g->stride_w * g->in_pixel};
    return side_by_side || next.column < g->out_w ? next : conv2d_s8_mve_row(g, at->row + 1);
}

static inline void conv2d_s8_mve_inside(const conv2d_s8_mve_params *, const int8_t *, const int32_t *, int8_t *)
    __attribute__((always_inline)); /* so that the parameters are constants of the assembly */

/* No pads, and rows of taps that are whole vectors; x batches x in_h x in_w x in_c, y batches x out_h x out_w x out_c */
static inline void conv2d_s8_mve_inside(const conv2d_s8_mve_params *p, const int8_t *x, const int32_t *stream, int8_t *y)
{
    const window_params *g = &p->window;
    const int32_t pixels = g->batches * g->out_h * g->out_w;
    conv2d_s8_mve_pair at = conv2d_s8_mve_first(p, stream, y);
    conv2d_s8_mve_window next = conv2d_s8_mve_row(g, 0);
    for (int32_t pixel = 0; pixel < pixels; pixel += 2, at.y += 2 * g->out_c * conv2d_mve_width(p)) {
        at.x[0] = at.x[1] = x + next.origin;
        next = conv2d_s8_mve_next(g, &next);
        if (pixel + 1 < pixels) {
            at.x[1] = x + next.origin;
            next = conv2d_s8_mve_next(g, &next);
        } else {
            conv2d_s8_mve_alone(&at);
        }
        conv2d_s8_mve_outputs(p, &at);
    }
}

/* Whether none of `count` taps, the first at place * stride - pad, lies outside of 0 .. size - 1; `places` is how many places there are. */
static inline int32_t conv2d_s8_mve_fits(int32_t place, int32_t places, int32_t stride, int32_t pad, int32_t reach, int32_t size)
{
    const int32_t first = (pad + stride - 1) / stride;
    const int32_t last = size + pad - reach < 0 ? -1 : (size + pad - reach) / stride;
    return (first == 0 || place >= first) && (places - 1 <= last || place <= last);
}

static inline int32_t conv2d_s8_mve_is_whole(const window_params *, const conv2d_s8_mve_window *) __attribute__((always_inline));

/* Whether no tap lies in the padding. */
static inline int32_t conv2d_s8_mve_is_whole(const window_params *g, const conv2d_s8_mve_window *at)
{
    const int32_t row = g->batches == 1 ? at->row : at->row % g->out_h, reach = (g->k_h - 1) * g->dilation_h + 1;
    return conv2d_s8_mve_fits(row, g->out_h, g->stride_h, g->pad_top, reach, g->in_h)
           && conv2d_s8_mve_fits(at->column, g->out_w, g->stride_w, g->pad_left, g->k_w, g->in_w);
}

static inline void conv2d_s8_mve_copy(const conv2d_s8_mve_params *, const int8_t *, const conv2d_s8_mve_window *, int8_t *)
    __attribute__((always_inline));

/* Copies a window, with x_zero where it lies in the padding. */
static inline void conv2d_s8_mve_copy(const conv2d_s8_mve_params *p, const int8_t *x, const conv2d_s8_mve_window *at, int8_t *to)
{
    const window_params *g = &p->window;
    taps rows = {0, g->k_h}, columns = {0, g->k_w};
    if (!conv2d_s8_mve_is_whole(g, at)) {
        helium_fill(to, p->x_zero, 16 * p->runs * p->blocks);
        rows = taps_inside(at->row % g->out_h * g->stride_h - g->pad_top, g->k_h, g->dilation_h, g->in_h);
        columns = taps_inside(at->column * g->stride_w - g->pad_left, g->k_w, 1, g->in_w);
    }
    if (rows.last > rows.first && columns.last > columns.first) {
        const int32_t pitch = g->dilation_h * g->in_row, before = columns.first * g->in_c;
        helium_copy_rows(to + rows.first * p->spacing + before, p->spacing, x + at->origin + rows.first * pitch + before, pitch,
                         (columns.last - columns.first) * g->in_c, g->k_w * g->in_c, rows.last - rows.first);
    }
}

static inline void conv2d_s8_mve(const conv2d_s8_mve_params *, const int8_t *, const int32_t *, int8_t *, uint8_t *)
    __attribute__((always_inline));

/* x batches x in_h x in_w x in_c, y batches x out_h x out_w x out_c; scratch takes two windows and what fills their last vectors */
static inline void conv2d_s8_mve(const conv2d_s8_mve_params *p, const int8_t *x, const int32_t *stream, int8_t *y, uint8_t *scratch)
{
    const window_params *g = &p->window;
    const int32_t pixels = g->batches * g->out_h * g->out_w, bytes = 16 * p->runs * p->blocks, pitch = g->dilation_h * g->in_row;
    /* A window that begins no later is read inside x, to the end of its last vector. */
    const int32_t latest = g->batches * g->in_h * g->in_row - (g->k_h - 1) * pitch - 16 * p->blocks;
    int8_t *const copies = (int8_t *)scratch;
    helium_fill(copies, 0, 2 * bytes);
    conv2d_s8_mve_pair at = conv2d_s8_mve_first(p, stream, y);
    conv2d_s8_mve_window next = conv2d_s8_mve_row(g, 0);
    for (int32_t pixel = 0; pixel < pixels; pixel += 2, at.y += 2 * g->out_c * conv2d_mve_width(p)) {
        conv2d_s8_mve_window windows[2] = {next, next};
        next = conv2d_s8_mve_next(g, &next);
        if (pixel + 1 < pixels) {
            windows[1] = next;
            next = conv2d_s8_mve_next(g, &next);
        } else {
            conv2d_s8_mve_alone(&at);
        }
        if (!p->direct || windows[1].origin > latest || !conv2d_s8_mve_is_whole(g, windows) || !conv2d_s8_mve_is_whole(g, windows + 1)) {
            for (int32_t i = 0; i < 2; i++) {
                at.x[i] = copies + i * bytes;
                conv2d_s8_mve_copy(p, x, windows + i, copies + i * bytes);
            }
            at.step = 0;
        } else {
            at.x[0] = x + windows[0].origin;
            at.x[1] = x + windows[1].origin;
            at.step = pitch - 16 * p->blocks;
        }
        conv2d_s8_mve_outputs(p, &at);
    }
}

#undef CONV2D_OF_BYTES
#undef CONV2D_OF_NIBBLES
#undef CONV2D_OF_HALVES
#undef CONV2D_RUN

#endif
