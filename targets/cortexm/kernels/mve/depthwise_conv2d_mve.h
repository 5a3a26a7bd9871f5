/* depthwise_conv2d on Helium, for windows of up to 4 x 4 taps. Scratch holds four rows of x with their codes interleaved, so that a
 * word is four rows of one channel and a vector of four words, gathered from neighbouring pixels, is a tile of 4 x 4 codes. VMLADAV
 * with the taps at their places in a tile gives an output; a tile has 2 x 2 of them where windows of up to 3 x 3 taps move by one
 * pixel, else one. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_MVE_H
#define TAPEOUT_DEPTHWISE_CONV2D_MVE_H

#include "helium.h"
#include "window.h"

typedef struct {
    window_params window;
    int32_t side;  /* outputs of a tile along both axes, 1 or 2 */
    int32_t width; /* pixels of an interleaved row, with its padding */
    int32_t x_zero;
    helium_codes codes;
} depthwise_conv2d_s8_mve_params;

/* What the assembly reads by r12. */
typedef struct {
    const uint8_t *x; /* scratch, of the next channel */
    int8_t *y;        /* the first output row, of the next channel */
    const int32_t *stream, *end;
    int32_t x_step, y_step;   /* bytes from four sums in x to the next four, from eight outputs in y to the next eight */
    uint32_t mask, last_mask; /* the bytes of eight outputs that are stored, and those of the last ones of a row */
    uint16_t outputs[8];      /* offsets of the outputs from y, in the order in which they are stored */
    uint32_t pixels[4][4];    /* offsets of a tile's pixels from x, for four neighbouring tiles */
} depthwise_conv2d_s8_mve_rows;

/* Codes of the sums in q; q7 is free only for a while. */
#define DEPTHWISE_CODES(q)                                                                                                                 \
    "vadd.i32 " q ", " q ", r5\n"                                                                                                          \
    ".if %c[signs]\n"                                                                                                                      \
    "vshr.s32 q7, " q ", #31\n"                                                                                                            \
    ".endif\n"                                                                                                                             \
    ".if %c[doubled]\n"                                                                                                                    \
    "vqrdmulh.s32 " q ", " q ", r7\n"                                                                                                      \
    ".else\n"                                                                                                                              \
    "vqdmulh.s32 " q ", " q ", r7\n"                                                                                                       \
    ".endif\n"                                                                                                                             \
    "vadd.i32 " q ", " q ", r9\n"                                                                                                          \
    ".if %c[signs]\n"                                                                                                                      \
    "vadd.i32 " q ", " q ", q7\n"                                                                                                          \
    ".endif\n"                                                                                                                             \
    "vshl.s32 " q ", r11\n"

#define DEPTHWISE_SUMS(q)                                                                                                                  \
    "vmov " q "[2], " q "[0], r0, r4\n"                                                                                                    \
    "vmov " q "[3], " q "[1], r2, r6\n"

/* Four sums in q: the outputs of a tile, or of four tiles. */
#define DEPTHWISE_TILES(q)                                                                                                                 \
    ".if %c[side] == 2\n"                                                                                                                  \
    "vldrw.u32 " q ", [r1, q6]\n"                                                                                                          \
    "vmladav.s8 r0, " q ", q0\n"                                                                                                           \
    "vmladav.s8 r2, " q ", q1\n"                                                                                                           \
    "vmladav.s8 r4, " q ", q2\n"                                                                                                           \
    "vmladav.s8 r6, " q ", q3\n"                                                                                                           \
    ".else\n"                                                                                                                              \
    "vldrw.u32 " q ", [r1, q6]\n"                                                                                                          \
    "vmladav.s8 r0, " q ", q0\n"                                                                                                           \
    "vldrw.u32 " q ", [r1, q1]\n"                                                                                                          \
    "vmladav.s8 r2, " q ", q0\n"                                                                                                           \
    "vldrw.u32 " q ", [r1, q2]\n"                                                                                                          \
    "vmladav.s8 r4, " q ", q0\n"                                                                                                           \
    "vldrw.u32 " q ", [r1, q3]\n"                                                                                                          \
    "vmladav.s8 r6, " q ", q0\n"                                                                                                           \
    ".endif\n"                                                                                                                             \
    "add r1, r8\n" DEPTHWISE_SUMS(q)

/* Stores the codes of q4 in even places of `outputs`, those of `odd` in odd ones. */
#define DEPTHWISE_STORE(odd)                                                                                                               \
    "vqmovnb.s32 q4, q4\n"                                                                                                                 \
    "vqmovnt.s32 q4, " odd "\n"                                                                                                            \
    "vqmovnb.s16 q4, q4\n"                                                                                                                 \
    ".if %c[lo] > -128\n"                                                                                                                  \
    "vmov.i8 q5, #%c[lo] & 0xff\n"                                                                                                         \
    "vmax.s8 q4, q4, q5\n"                                                                                                                 \
    ".endif\n"                                                                                                                             \
    ".if %c[hi] < 127\n"                                                                                                                   \
    "vmov.i8 q5, #%c[hi] & 0xff\n"                                                                                                         \
    "vmin.s8 q4, q4, q5\n"                                                                                                                 \
    ".endif\n"                                                                                                                             \
    ".if %c[signs]\n"                                                                                                                      \
    "vldrh.u16 q7, [r12, #32]\n"                                                                                                           \
    ".endif\n"                                                                                                                             \
    ".if %c[masked]\n"                                                                                                                     \
    "vpst\n"                                                                                                                               \
    "vstrbt.16 q4, [r3, q7]\n"                                                                                                             \
    ".else\n"                                                                                                                              \
    "vstrb.16 q4, [r3, q7]\n"                                                                                                              \
    ".endif\n"

#define DEPTHWISE_EIGHT DEPTHWISE_TILES("q4") DEPTHWISE_TILES("q5") DEPTHWISE_CODES("q4") DEPTHWISE_CODES("q5") DEPTHWISE_STORE("q5")
#define DEPTHWISE_FOUR DEPTHWISE_TILES("q4") DEPTHWISE_CODES("q4") DEPTHWISE_STORE("q4")

static inline void depthwise_conv2d_s8_mve_outputs(const depthwise_conv2d_s8_mve_params *, depthwise_conv2d_s8_mve_rows *)
    __attribute__((always_inline));

/* All channels of one or two rows of outputs. A channel's stream: its taps in a tile, once for each output of a tile; then bias, mul,
 * add and -shift. */
static inline void depthwise_conv2d_s8_mve_outputs(const depthwise_conv2d_s8_mve_params *p, depthwise_conv2d_s8_mve_rows *rows)
{
    register depthwise_conv2d_s8_mve_rows *at __asm("r12") = rows;
    const int32_t columns = 8 / p->side, last = p->window.out_w % columns;
    __asm volatile("vldrh.u16 q7, [r12, #32]\n"
                   "vldrw.u32 q6, [r12, #48]\n"
                   ".if %c[side] == 1\n"
                   "vldrw.u32 q1, [r12, #64]\n"
                   "vldrw.u32 q2, [r12, #80]\n"
                   "vldrw.u32 q3, [r12, #96]\n"
                   ".endif\n"
                   "ldrd r8, r10, [r12, #16]\n"
                   "1: ldr r0, [r12, #8]\n"
                   "vldrw.u32 q0, [r0], #16\n"
                   ".if %c[side] == 2\n"
                   "vldrw.u32 q1, [r0], #16\n"
                   "vldrw.u32 q2, [r0], #16\n"
                   "vldrw.u32 q3, [r0], #16\n"
                   ".endif\n"
                   "ldrd r5, r7, [r0], #8\n"
                   "ldrd r9, r11, [r0], #8\n"
                   "str r0, [r12, #8]\n"
                   "ldrd r1, r3, [r12]\n"
                   "adds r2, r1, #4\n"
                   "adds r4, r3, #1\n"
                   "strd r2, r4, [r12]\n"
                   ".if %c[masked]\n"
                   "ldr r0, [r12, #24]\n"
                   "vmsr p0, r0\n"
                   ".endif\n"
                   ".if %c[loops]\n"
                   "mov r0, #%c[loops]\n"
                   "dls lr, r0\n"
                   "2:\n" DEPTHWISE_EIGHT "add r3, r10\n"
                   "le lr, 2b\n"
                   ".endif\n"
                   ".if %c[last]\n"
                   "ldr r0, [r12, #28]\n"
                   "vmsr p0, r0\n"
                   ".if %c[last] > %c[half]\n" DEPTHWISE_EIGHT ".else\n" DEPTHWISE_FOUR ".endif\n"
                   ".endif\n"
                   "ldrd r0, r2, [r12, #8]\n"
                   "cmp r0, r2\n"
                   "bne 1b\n"
                   : "+r"(at)
                   : HELIUM_CODES(p->codes), [side] "i"(p->side), [loops] "i"(p->window.out_w / columns), [last] "i"(last),
                     [half] "i"(columns / 2), [masked] "i"(last || p->window.out_h % p->side)
                   : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "lr", "cc", "memory", "q0", "q1", "q2", "q3",
                     "q4", "q5", "q6", "q7", "p0");
}

/* Four rows that are interleaved, and how far to move on in each for 16 codes. */
typedef struct {
    const int8_t *from[4];
    int32_t step[4];
} depthwise_conv2d_s8_mve_four;

/* Interleaves 16 codes of each row `count` times, and moves on. */
static inline void depthwise_conv2d_s8_mve_weave(depthwise_conv2d_s8_mve_four *rows, uint8_t *to, int32_t count)
{
    __asm volatile("ldm %[rows], {r0-r7}\n"
                   "dls lr, %[count]\n"
                   "1: vldrb.u8 q0, [r0]\n"
                   "vldrb.u8 q1, [r1]\n"
                   "vldrb.u8 q2, [r2]\n"
                   "vldrb.u8 q3, [r3]\n"
                   "add r0, r4\n"
                   "add r1, r5\n"
                   "add r2, r6\n"
                   "add r3, r7\n"
                   "vst40.8 {q0, q1, q2, q3}, [%[to]]\n"
                   "vst41.8 {q0, q1, q2, q3}, [%[to]]\n"
                   "vst42.8 {q0, q1, q2, q3}, [%[to]]\n"
                   "vst43.8 {q0, q1, q2, q3}, [%[to]]!\n"
                   "le lr, 1b\n"
                   "stm %[rows], {r0-r3}\n"
                   : [to] "+r"(to)
                   : [rows] "r"(rows), [count] "r"(count)
                   : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "lr", "cc", "memory", "q0", "q1", "q2", "q3");
}

/* Four rows of x from `top` on, interleaved; x_zero for those outside. */
static inline void depthwise_conv2d_s8_mve_interleave(const depthwise_conv2d_s8_mve_params *p, const int8_t *x, int32_t top, uint8_t *to)
{
    const window_params *g = &p->window;
    depthwise_conv2d_s8_mve_four rows;
    int8_t outside[16];
    helium_fill(outside, p->x_zero, 16);
    for (int32_t i = 0; i < 4; i++) {
        const int32_t inside = top + i >= 0 && top + i < g->in_h;
        rows.from[i] = inside ? x + (top + i) * g->in_row : outside;
        rows.step[i] = inside ? 16 : 0;
    }
    to += 4 * g->pad_left * g->in_c;
    depthwise_conv2d_s8_mve_weave(&rows, to, g->in_row / 16);
    const int32_t rest = g->in_row % 16;
    if (rest) { /* the last 16 codes of a row, most of them once more */
        for (int32_t i = 0; i < 4; i++) {
            rows.from[i] -= rows.step[i] ? 16 - rest : 0;
        }
        depthwise_conv2d_s8_mve_weave(&rows, to + 4 * (g->in_row - 16), 1);
    }
}

/* Sets the places of a tile's pixels and outputs; returns the mask of the last outputs of a row. */
static inline uint32_t depthwise_conv2d_s8_mve_places(const depthwise_conv2d_s8_mve_params *p, depthwise_conv2d_s8_mve_rows *at)
{
    const window_params *g = &p->window;
    const int32_t last = g->out_w % (8 / p->side);
    uint32_t mask = 0;
    for (int32_t i = 0; i < 8; i++) {
        const int32_t sum = i / 2, tile = i % 2; /* even places are those of the first four sums */
        const int32_t column = p->side == 2 ? 2 * tile + sum % 2 : 4 * tile + sum;
        at->outputs[i] = (uint16_t)((p->side == 2 ? sum / 2 * g->out_row : 0) + column * g->out_pixel);
        mask |= column < last ? 3u << 2 * i : 0u;
    }
    for (int32_t i = 0; i < 16; i++) {
        at->pixels[i / 4][i % 4] = 4u * (uint32_t)((i / 4 * g->stride_w + i % 4) * g->in_c);
    }
    return mask;
}

static inline void depthwise_conv2d_s8_mve(const depthwise_conv2d_s8_mve_params *, const int8_t *, const int32_t *, int8_t *, uint8_t *)
    __attribute__((always_inline)); /* so that the parameters are constants of the assembly */

/* x batches x in_h x in_w x in_c, y batches x out_h x out_w x in_c; scratch width x in_c words */
static inline void depthwise_conv2d_s8_mve(const depthwise_conv2d_s8_mve_params *p, const int8_t *x, const int32_t *stream, int8_t *y,
                                           uint8_t *scratch)
{
    const window_params *g = &p->window;
    depthwise_conv2d_s8_mve_rows at;
    const uint32_t columns = depthwise_conv2d_s8_mve_places(p, &at);
    helium_fill((int8_t *)scratch, p->x_zero, 4 * p->width * g->in_c);
    at.end = stream + g->in_c * (4 * p->side * p->side + 4);
    at.x_step = 4 * g->in_c * (p->side == 2 ? 2 : 4 * g->stride_w);
    at.y_step = 8 / p->side * g->out_pixel;
    for (int32_t batch = 0; batch < g->batches; batch++, x += g->in_h * g->in_row) {
        for (int32_t row = 0; row < g->out_h; row += p->side) {
            const uint32_t inside = row + p->side > g->out_h ? 0x00ff : 0xffff;
            at.mask = inside;
            at.last_mask = columns & inside;
            at.x = scratch;
            at.y = y + (batch * g->out_h + row) * g->out_row;
            at.stream = stream;
            depthwise_conv2d_s8_mve_interleave(p, x, row * g->stride_h - g->pad_top, scratch);
            depthwise_conv2d_s8_mve_outputs(p, &at);
        }
    }
}

#undef DEPTHWISE_CODES
#undef DEPTHWISE_SUMS
#undef DEPTHWISE_TILES
#undef DEPTHWISE_STORE
#undef DEPTHWISE_EIGHT
#undef DEPTHWISE_FOUR

#endif
