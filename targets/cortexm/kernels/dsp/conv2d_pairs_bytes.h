/* conv2d_pairs with weights of bytes: half the flash, and four more instructions in the inner block, to widen them.
 * One function serves all layers of a network, so that its code counts once: what differs between layers is read from the parameters.
 * The definition is compiler/ops/conv2d.py; conv2d_pairs_bytes.py says what is packed. */
#ifndef TAPEOUT_CONV2D_PAIRS_BYTES_H
#define TAPEOUT_CONV2D_PAIRS_BYTES_H

#include "conv2d_pairs.h"

typedef conv2d_s8_pairs_params conv2d_s8_pairs_bytes_params;

enum {
    PAIRS_BYTES_UNROLLED = 4, /* blocks written out in the loop, which is entered so far inside that the blocks left over come first */
    PAIRS_BYTES_BLOCK = 56    /* bytes of code of a block: 14 instructions of four bytes */
};

/* What the assembly reads of a layer, in registers for floats. */
typedef struct {
    int32_t rows, turns; /* of the kernel; of the loop in a row */
    int32_t skipped;     /* bytes of code that the first turn leaves out */
    int32_t gap;         /* bytes from the last block of a row of scratch to the next row */
} pairs_bytes_loop;

/* All channels of the two pixels a and b, whose windows begin at x in scratch. */
static inline void pairs_bytes_pixels(const pairs_bytes_loop *loop, const uint32_t *x, const high_word *table, const uint32_t *w,
                                      int32_t doubled, int32_t lo, int32_t hi, int8_t *a, int8_t *b, const int8_t *end)
    __attribute__((always_inline));
static inline void pairs_bytes_pixels(const pairs_bytes_loop *loop, const uint32_t *x, const high_word *table, const uint32_t *w,
                                      int32_t doubled, int32_t lo, int32_t hi, int8_t *a, int8_t *b, const int8_t *end)
{
    const int32_t twice = doubled ? 2 : 1;
    for (; a < end; a += 2, b += 2, table += 2) {
        /* Registers by name, since all are taken. */
        register const uint32_t *at __asm("r0") = x;
        register const uint32_t *taps __asm("r1") = w;
        register int32_t a0 __asm("r6") = table[0].bias, b0 __asm("r7") = table[0].bias; /* of the pixels a and b, channel 0 */
        register int32_t a1 __asm("r12") = table[1].bias, b1 __asm("lr") = table[1].bias;
        int32_t left, rows_left; /* turns and rows to go */
        __asm volatile("vmov.f32 %[rows_left], %[rows]\n"
                       "1:\n"
                       "vmov.f32 %[left], %[turns]\n"
                       "vmov r2, %[skipped]\n"
                       "add pc, r2\n"
                       "nop\n"
                       "2:\n"
                       ".rept %c[unrolled]\n"
                       "ldmia.w %[x]!, {r2, r3, r4, r5}\n"
                       "ldmia.w %[w]!, {r9, r11}\n"
                       "sxtb16 r8, r9\n"
                       "sxtb16 r9, r9, ror #8\n"
                       "sxtb16 r10, r11\n"
                       "sxtb16 r11, r11, ror #8\n"
                       "smlad %[a0], r2, r8, %[a0]\n"
                       "smlad %[b0], r3, r8, %[b0]\n"
                       "smlad %[a1], r2, r10, %[a1]\n"
                       "smlad %[b1], r3, r10, %[b1]\n"
                       "smlad %[a0], r4, r9, %[a0]\n"
                       "smlad %[b0], r5, r9, %[b0]\n"
                       "smlad %[a1], r4, r11, %[a1]\n"
                       "smlad %[b1], r5, r11, %[b1]\n"
                       ".endr\n"
                       "vmov r2, %[left]\n"
                       "subs r2, r2, #1\n"
                       "vmov %[left], r2\n"
                       "bne 2b\n"
                       "vmov r2, %[rows_left]\n"
                       "subs r2, r2, #1\n"
                       "beq 3f\n"
                       "vmov %[rows_left], r2\n"
                       "vmov r2, %[gap]\n"
                       "add %[x], %[x], r2\n"
                       "b 1b\n"
                       "3:\n"
                       : [x] "+r"(at), [w] "+r"(taps), [a0] "+r"(a0), [b0] "+r"(b0), [a1] "+r"(a1), [b1] "+r"(b1), [left] "=&t"(left),
                         [rows_left] "=&t"(rows_left)
                       : [rows] "t"(loop->rows), [turns] "t"(loop->turns), [skipped] "t"(loop->skipped), [gap] "t"(loop->gap),
                         [unrolled] "i"(PAIRS_BYTES_UNROLLED)
                       : "r2", "r3", "r4", "r5", "r8", "r9", "r10", "r11", "cc", "memory");
        w = taps;
        conv_pairs_store(&table[0], doubled, lo, hi, twice * a0, twice * b0, a, b);
        if (a + 1 < end) {
            conv_pairs_store(&table[1], doubled, lo, hi, twice * a1, twice * b1, a + 1, b + 1);
        }
    }
}

static inline void pairs_bytes_layer(const conv2d_s8_pairs_bytes_params *p, const int8_t *x, const high_word *table, const uint32_t *w,
                                     int32_t doubled, int32_t lo, int32_t hi, int8_t *y, uint8_t *scratch) __attribute__((always_inline));
static inline void pairs_bytes_layer(const conv2d_s8_pairs_bytes_params *p, const int8_t *x, const high_word *table, const uint32_t *w,
                                     int32_t doubled, int32_t lo, int32_t hi, int8_t *y, uint8_t *scratch)
{
    const window_params *g = &p->window;
    const int32_t turns = (p->blocks + PAIRS_BYTES_UNROLLED - 1) / PAIRS_BYTES_UNROLLED;
    const pairs_bytes_loop loop = {
        .rows = g->k_h, .turns = turns, .skipped = (turns * PAIRS_BYTES_UNROLLED - p->blocks) * PAIRS_BYTES_BLOCK,
        .gap = 4 * (p->row - 4 * p->blocks),
    };
    int16_t *rows = (int16_t *)(void *)scratch;
    int8_t *padding = (int8_t *)(scratch + 4 * g->k_h * p->row);
    memset(padding, p->x_zero, (size_t)(g->in_w * g->in_c));
    for (int32_t first = 0; first < g->out_h; first += 2) {
        const int32_t second = first + 1 < g->out_h ? first + 1 : first;
        int8_t *a = y + first * g->out_row, *b = y + second * g->out_row;
        conv_pairs_windows(p, x, padding, first, second, rows);
        for (int32_t column = 0; column < g->out_w; column++) {
            const uint32_t *at = (const uint32_t *)(const void *)rows + column * g->stride_w * p->pixel;
            pairs_bytes_pixels(&loop, at, table, w, doubled, lo, hi, a, b, a + g->out_c);
            a += g->out_pixel;
            b += g->out_pixel;
        }
    }
}

/* By whether sums are doubled, and whether codes are clipped; unused ones are dropped. */
#define PAIRS_BYTES_FUNCTION(name, doubled, lo, hi)                                                                                     \
    static __attribute__((noinline, unused)) void name(const conv2d_s8_pairs_bytes_params *p, const int8_t *x, const high_word *table,  \
                                                       const uint32_t *w, int8_t *y, uint8_t *scratch)                                  \
    {                                                                                                                                   \
        pairs_bytes_layer(p, x, table, w, doubled, lo, hi, y, scratch);                                                                 \
    }
PAIRS_BYTES_FUNCTION(pairs_bytes, 0, -128, 127)
PAIRS_BYTES_FUNCTION(pairs_bytes_clipped, 0, p->lo, p->hi)
PAIRS_BYTES_FUNCTION(pairs_bytes_doubled, 1, -128, 127)
PAIRS_BYTES_FUNCTION(pairs_bytes_doubled_clipped, 1, p->lo, p->hi)

/* As conv2d_s8_pairs, with `blocks` those of a kernel row and one loop. */
static inline void conv2d_s8_pairs_bytes(const conv2d_s8_pairs_bytes_params *p, const int8_t *x, const int32_t *table, const uint32_t *w, int8_t *y,
                                         uint8_t *scratch) __attribute__((always_inline));
static inline void conv2d_s8_pairs_bytes(const conv2d_s8_pairs_bytes_params *p, const int8_t *x, const int32_t *table, const uint32_t *w, int8_t *y,
                                         uint8_t *scratch)
{
    const high_word *channels = (const high_word *)(const void *)table;
    if (p->lo > -128 || p->hi < 127) {
        (p->doubled ? pairs_bytes_doubled_clipped : pairs_bytes_clipped)(p, x, channels, w, y, scratch);
    } else {
        (p->doubled ? pairs_bytes_doubled : pairs_bytes)(p, x, channels, w, y, scratch);
    }
}

#endif
