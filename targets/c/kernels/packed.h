/* packed: codes of 1 to 16 bits that lie side by side in memory, and their products with activations.
 * The layout is that of QType.packed in compiler/ir.py: the first code in the least significant bits, each row from a byte
 * on. Codes of 8 and 16 bits that are not packed lie alike on the little-endian cores that we build for. */
#ifndef TAPEOUT_PACKED_H
#define TAPEOUT_PACKED_H

#include <stdint.h>
#include <string.h>

/* For what is fast when the width of codes is a constant: gcc shares other functions between layers of different widths. */
#if defined(__GNUC__)
#define PACKED_INLINE static inline __attribute__((always_inline))
#else
#define PACKED_INLINE static inline
#endif

/* The kinds of codes, see packed_kind, that a network has; what it has not takes no flash. The file that includes this says them. */
#ifndef PACKED_KINDS
#define PACKED_KINDS 0x1ffffu
#endif
#define PACKED_HAS(kind) ((PACKED_KINDS >> (kind)) & 1u)

/* How activations are held. */
typedef enum { HELD_S8, HELD_S16, HELD_B1 } held;

typedef struct {
    int32_t bits;          /* of a code in memory, 1 to 16 */
    int32_t is_signed;
    int32_t bipolar;       /* codes 0 and 1 stand for -1 and +1 */
    int32_t zero;
    int32_t block, blocks; /* codes of a row that share a scale, but for the last ones, and how many such parts a row has */
} packed_params;

/* Bytes of a row of `count` codes. */
static inline int32_t packed_bytes(int32_t bits, int32_t count)
{
    return (count * bits + 7) / 8;
}

/* Codes in block number `block` of a row of `count`. */
static inline int32_t packed_block(const packed_params *p, int32_t count, int32_t block)
{
    const int32_t rest = count - block * p->block;
    return rest < p->block ? rest : p->block;
}

/* The number that code i of a row stands for, in units of its scale; reads no byte without a bit of it. */
PACKED_INLINE int32_t packed_number(packed_params p, const uint8_t *row, int32_t i)
{
    const uint32_t first = (uint32_t)i * (uint32_t)p.bits;
    const int32_t at = (int32_t)(first % 8u);
    const uint8_t *byte = row + first / 8u;
    uint32_t word = byte[0];
    if (at + p.bits > 8) {
        word |= (uint32_t)byte[1] << 8;
    }
    if (at + p.bits > 16) {
        word |= (uint32_t)byte[2] << 16;
    }
    const uint32_t top = word << (32 - p.bits - at);
    const int32_t code = p.is_signed ? (int32_t)top >> (32 - p.bits) : (int32_t)(top >> (32 - p.bits));
    return p.bipolar ? 2 * code - 1 : code - p.zero;
}

/* Which of the cases below a format is: 1 for packed bipolar codes, the width of signed ones without zero point, 0 for others. */
static inline int32_t packed_kind(const packed_params *p)
{
    if (p->bipolar) {
        return p->bits == 1;
    }
    return p->is_signed && p->zero == 0 && p->bits > 1 ? p->bits : 0;
}

/* Eight terms of the sum below, of the codes in the first `bits` bytes of row. A loop over them would not be unrolled. */
PACKED_INLINE int32_t eight_terms_s8(packed_params p, const int8_t *x, int32_t x_zero, const uint8_t *row)
{
    int32_t sum = (x[0] - x_zero) * packed_number(p, row, 0);
    sum += (x[1] - x_zero) * packed_number(p, row, 1);
    sum += (x[2] - x_zero) * packed_number(p, row, 2);
    sum += (x[3] - x_zero) * packed_number(p, row, 3);
    sum += (x[4] - x_zero) * packed_number(p, row, 4);
    sum += (x[5] - x_zero) * packed_number(p, row, 5);
    sum += (x[6] - x_zero) * packed_number(p, row, 6);
    sum += (x[7] - x_zero) * packed_number(p, row, 7);
    return sum;
}

PACKED_INLINE int32_t dot_of_s8(packed_params p, const int8_t *x, int32_t x_zero, const uint8_t *row, int32_t first, int32_t count)
{
    const int32_t eights = first * p.bits % 8 == 0 ? count / 8 * 8 : 0; /* none unless codes begin at a byte */
    const uint8_t *byte = row + first * p.bits / 8;
    int32_t sum = 0;
    for (int32_t i = 0; i < eights; i += 8) {
        sum += eight_terms_s8(p, x + i, x_zero, byte);
        byte += p.bits;
    }
    for (int32_t i = eights; i < count; i++) {
        sum += (x[i] - x_zero) * packed_number(p, row, first + i);
    }
    return sum;
}

/* The sum of (x - x_zero) * w over `count` codes of x and those of a row from `first` on. */
static inline int32_t dot_packed_s8(const packed_params *p, const int8_t *x, int32_t x_zero, const uint8_t *row, int32_t first,
                                    int32_t count)
{
    const int32_t kind = packed_kind(p);
    if (PACKED_HAS(1) && kind == 1) {
        return dot_of_s8((packed_params){.bits = 1, .bipolar = 1}, x, x_zero, row, first, count);
    }
    if (PACKED_HAS(2) && kind == 2) {
        return dot_of_s8((packed_params){.bits = 2, .is_signed = 1}, x, x_zero, row, first, count);
    }
    if (PACKED_HAS(3) && kind == 3) {
        return dot_of_s8((packed_params){.bits = 3, .is_signed = 1}, x, x_zero, row, first, count);
    }
    if (PACKED_HAS(4) && kind == 4) {
        return dot_of_s8((packed_params){.bits = 4, .is_signed = 1}, x, x_zero, row, first, count);
    }
    if (PACKED_HAS(5) && kind == 5) {
        return dot_of_s8((packed_params){.bits = 5, .is_signed = 1}, x, x_zero, row, first, count);
    }
    if (PACKED_HAS(6) && kind == 6) {
        return dot_of_s8((packed_params){.bits = 6, .is_signed = 1}, x, x_zero, row, first, count);
    }
    if (PACKED_HAS(7) && kind == 7) {
        return dot_of_s8((packed_params){.bits = 7, .is_signed = 1}, x, x_zero, row, first, count);
    }
    if (PACKED_HAS(8) && kind == 8) {
        return dot_of_s8((packed_params){.bits = 8, .is_signed = 1}, x, x_zero, row, first, count);
    }
    return PACKED_HAS(0) ? dot_of_s8(*p, x, x_zero, row, first, count) : 0;
}

/* Eight terms of the sum below, of the codes in the first `bits` bytes of row. A loop over them would not be unrolled. */
PACKED_INLINE int64_t eight_terms_s16(packed_params p, const int16_t *x, int32_t x_zero, const uint8_t *row)
{
    int64_t sum = (int64_t)(x[0] - x_zero) * packed_number(p, row, 0);
    sum += (int64_t)(x[1] - x_zero) * packed_number(p, row, 1);
    sum += (int64_t)(x[2] - x_zero) * packed_number(p, row, 2);
    sum += (int64_t)(x[3] - x_zero) * packed_number(p, row, 3);
    sum += (int64_t)(x[4] - x_zero) * packed_number(p, row, 4);
    sum += (int64_t)(x[5] - x_zero) * packed_number(p, row, 5);
    sum += (int64_t)(x[6] - x_zero) * packed_number(p, row, 6);
    sum += (int64_t)(x[7] - x_zero) * packed_number(p, row, 7);
    return sum;
}

PACKED_INLINE int64_t dot_of_s16(packed_params p, const int16_t *x, int32_t x_zero, const uint8_t *row, int32_t first, int32_t count)
{
    const int32_t eights = first * p.bits % 8 == 0 ? count / 8 * 8 : 0; /* none unless codes begin at a byte */
    const uint8_t *byte = row + first * p.bits / 8;
    int64_t sum = 0;
    for (int32_t i = 0; i < eights; i += 8) {
        sum += eight_terms_s16(p, x + i, x_zero, byte);
        byte += p.bits;
    }
    for (int32_t i = eights; i < count; i++) {
        sum += (int64_t)(x[i] - x_zero) * packed_number(p, row, first + i);
    }
    return sum;
}

/* The sum of (x - x_zero) * w over `count` codes of x and those of a row from `first` on, in 64 bits. */
static inline int64_t dot_packed_s16(const packed_params *p, const int16_t *x, int32_t x_zero, const uint8_t *row, int32_t first,
                                     int32_t count)
{
    const int32_t kind = packed_kind(p);
    if (PACKED_HAS(1) && kind == 1) {
        return dot_of_s16((packed_params){.bits = 1, .bipolar = 1}, x, x_zero, row, first, count);
    }
    if (PACKED_HAS(2) && kind == 2) {
        return dot_of_s16((packed_params){.bits = 2, .is_signed = 1}, x, x_zero, row, first, count);
    }
    if (PACKED_HAS(3) && kind == 3) {
        return dot_of_s16((packed_params){.bits = 3, .is_signed = 1}, x, x_zero, row, first, count);
    }
    if (PACKED_HAS(4) && kind == 4) {
        return dot_of_s16((packed_params){.bits = 4, .is_signed = 1}, x, x_zero, row, first, count);
    }
    if (PACKED_HAS(5) && kind == 5) {
        return dot_of_s16((packed_params){.bits = 5, .is_signed = 1}, x, x_zero, row, first, count);
    }
    if (PACKED_HAS(6) && kind == 6) {
        return dot_of_s16((packed_params){.bits = 6, .is_signed = 1}, x, x_zero, row, first, count);
    }
    if (PACKED_HAS(7) && kind == 7) {
        return dot_of_s16((packed_params){.bits = 7, .is_signed = 1}, x, x_zero, row, first, count);
    }
    if (PACKED_HAS(8) && kind == 8) {
        return dot_of_s16((packed_params){.bits = 8, .is_signed = 1}, x, x_zero, row, first, count);
    }
    if (PACKED_HAS(16) && kind == 16) {
        return dot_of_s16((packed_params){.bits = 16, .is_signed = 1}, x, x_zero, row, first, count);
    }
    return PACKED_HAS(0) ? dot_of_s16(*p, x, x_zero, row, first, count) : 0;
}

/* The number of 1s in each byte of a word. */
static inline uint32_t ones_of_bytes(uint32_t word)
{
    word -= (word >> 1) & 0x55555555u;
    word = (word & 0x33333333u) + ((word >> 2) & 0x33333333u);
    return (word + (word >> 4)) & 0x0f0f0f0fu;
}

static inline int32_t sum_of_bytes(uint32_t word)
{
    word = (word & 0x00ff00ffu) + ((word >> 8) & 0x00ff00ffu);
    return (int32_t)((word + (word >> 16)) & 0xffffu);
}

/* The sum of x * w over `count` bipolar codes, both from the start of a byte; bits behind them are 0. Equal codes give +1,
 * others -1. */
static inline int32_t dot_b1(const uint8_t *x, const uint8_t *w, int32_t count)
{
    const int32_t bytes = packed_bytes(1, count);
    int32_t unlike = 0;
    int32_t at = 0;
    while (at + 4 <= bytes) {
        uint32_t ones = 0;
        const int32_t last = at + 4 * 31 < bytes ? at + 4 * 31 : bytes; /* of 31 words a byte counts to 248 at most */
        for (; at + 4 <= last; at += 4) {
            uint32_t a;
            uint32_t b;
            memcpy(&a, x + at, sizeof a);
            memcpy(&b, w + at, sizeof b);
            ones += ones_of_bytes(a ^ b);
        }
        unlike += sum_of_bytes(ones);
    }
    for (; at < bytes; at++) {
        unlike += (int32_t)ones_of_bytes((uint32_t)(x[at] ^ w[at]));
    }
    return count - 2 * unlike;
}

/* The sum over `count` codes of x, which begin at element `at`, or byte `at` for HELD_B1, and those of a row from `first` on. */
static inline int64_t dot_packed(const packed_params *p, held how, const void *x, int32_t at, int32_t x_zero, const uint8_t *row, int32_t first,
                                 int32_t count)
{
    switch (how) {
    case HELD_S8:
        return dot_packed_s8(p, (const int8_t *)x + at, x_zero, row, first, count);
    case HELD_S16:
        return dot_packed_s16(p, (const int16_t *)x + at, x_zero, row, first, count);
    default:
        return dot_b1((const uint8_t *)x + at, row, count);
    }
}

#endif
