/* add of two tensors of one shape, of 16 bits, two codes at a time. add_halves.py says why each rounding is exact. */
#ifndef TAPEOUT_ADD_HALVES_H
#define TAPEOUT_ADD_HALVES_H

#include "dsp.h"
#include <string.h>

typedef struct {
    int32_t size;
    int32_t x_mul, x_half, x_shift; /* an operand counts (code * mul / 2^16 + half) / 2^shift, both divisions rounded down */
    int32_t y_mul, y_half, y_shift;
    int32_t out_mul, out_add, out_shift, lo, hi;
} add_s16_halves_params;

static inline int32_t add_halves_code(const add_s16_halves_params *p, int32_t x, int32_t y)
{
    const int32_t code = ssat16(smmla((x >> p->x_shift) + (y >> p->y_shift), p->out_mul, p->out_add) >> p->out_shift);
    return code < p->lo ? p->lo : code > p->hi ? p->hi : code;
}

static inline void add_s16_halves(const add_s16_halves_params *, const int16_t *, const int16_t *, int16_t *)
    __attribute__((always_inline)); /* so that the parameters are constants of the loop */

/* x, y and out have `size` codes; out may be x or y */
static inline void add_s16_halves(const add_s16_halves_params *p, const int16_t *x, const int16_t *y, int16_t *out)
{
    const int32_t pairs = p->size & ~1;
    for (int32_t i = 0; i < pairs; i += 2) {
        uint32_t a, b;
        memcpy(&a, x + i, 4);
        memcpy(&b, y + i, 4);
        const int32_t low = add_halves_code(p, smlawb(p->x_mul, a, p->x_half), smlawb(p->y_mul, b, p->y_half));
        const int32_t high = add_halves_code(p, smlawt(p->x_mul, a, p->x_half), smlawt(p->y_mul, b, p->y_half));
        const uint32_t both = low_halves((uint32_t)low, (uint32_t)high);
        memcpy(out + i, &both, 4);
    }
    if (p->size > pairs) {
        const uint32_t a = (uint32_t)x[pairs], b = (uint32_t)y[pairs];
        out[pairs] = (int16_t)add_halves_code(p, smlawb(p->x_mul, a, p->x_half), smlawb(p->y_mul, b, p->y_half));
    }
}

#endif
