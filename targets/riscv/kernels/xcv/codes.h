/* The codes that sums become. A channel has some numbers in a table, the first what its sums begin at; how many says which way. */
#ifndef TAPEOUT_CODES_H
#define TAPEOUT_CODES_H

#include "xcv.h"

enum { HIGH_WORD = 4, SLOPE = 5, BENT_SLOPE = 7 }; /* numbers */
enum { START = 0, MUL = 1, HALF = 2, SHIFT = 3 };  /* of the high word of a product: layer.py */
enum { MOST = 1, WHOLE = 2, FRACTION = 3, ADD = 4, BEND = 5, STEP = 6 }; /* of slopes: targets/split_slope.py; STEP is below - add */

/* What all channels of a layer share. Of the high word: sums are shifted left by `left` before they are multiplied; `signs` says that
 * negative sums are rounded otherwise. */
typedef struct {
    int32_t numbers;
    int32_t left, signs, lo, hi;
} channel_codes;

static inline int32_t code_of_high_word(const int32_t *c, const channel_codes *p, int32_t sum) __attribute__((always_inline));
static inline int32_t code_of_high_word(const int32_t *c, const channel_codes *p, int32_t sum)
{
    int32_t scaled = xcv_high((int32_t)((uint32_t)sum << p->left), c[MUL]) + c[HALF];
    if (p->signs) {
        scaled += sum >> 31;
        scaled += sum >> 31;
    }
    int32_t code = xcv_clip8(scaled >> c[SHIFT]);
    code = p->lo > -128 && code < p->lo ? p->lo : code;
    return p->hi < 127 && code > p->hi ? p->hi : code;
}

static inline uint32_t line_of_slope(const int32_t *c, const channel_codes *p, int32_t sum) __attribute__((always_inline));
static inline uint32_t line_of_slope(const int32_t *c, const channel_codes *p, int32_t sum)
{
    const int32_t u = xcv_clip_to(sum, c[MOST]);
    int32_t line = xcv_mac((int32_t)xcv_product12((uint32_t)u >> 4, (uint32_t)c[FRACTION]), u, c[WHOLE]);
    if (p->numbers == BENT_SLOPE) {
        line = xcv_mac(line, u < c[BEND], c[STEP]);
    }
    return (uint32_t)line + (uint32_t)c[ADD];
}

/* The code of a sum of the channel at c, in the highest byte of a word. */
static inline uint32_t channel_code(const int32_t *c, const channel_codes *p, int32_t sum) __attribute__((always_inline));
static inline uint32_t channel_code(const int32_t *c, const channel_codes *p, int32_t sum)
{
    return p->numbers == HIGH_WORD ? (uint32_t)code_of_high_word(c, p, sum) << 24 : line_of_slope(c, p, sum);
}

/* The code itself. */
static inline int8_t code_of_word(uint32_t word)
{
    return (int8_t)(word >> 24);
}

/* The codes of four words. */
static inline uint32_t codes_of_words(uint32_t first, uint32_t second, uint32_t third, uint32_t fourth)
{
    const uint32_t low = xcv_shuffle(first, second, 0x00000703u), high = xcv_shuffle(third, fourth, 0x00000703u);
    return xcv_shuffle(low, high, 0x05040100u);
}

#endif
