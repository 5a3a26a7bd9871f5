/* add on Helium: two tensors of one shape, of 16 bits without zero point, eight codes at a time; see add_mve.h. */
#ifndef TAPEOUT_ADD_MVE_HALVES_H
#define TAPEOUT_ADD_MVE_HALVES_H

#include "add_mve.h"

typedef sum_s8_params add_s16_mve_params;

/* Inlined, so that the parameters are constants of the loop. */
static inline int16x8_t add_s16_mve_eight(const add_s16_mve_params *, int16x8_t, int16x8_t) __attribute__((always_inline));
static inline void add_s16_mve(const add_s16_mve_params *, const int16_t *, const int16_t *, int16_t *) __attribute__((always_inline));

/* Eight codes of the sum. */
static inline int16x8_t add_s16_mve_eight(const add_s16_mve_params *p, int16x8_t x, int16x8_t y)
{
    const int32x4_t even = vaddq_s32(add_s8_mve_scaled(vshllbq_n_s16(x, 15), p->x_mul, p->x_shift, p->rounding),
                                     add_s8_mve_scaled(vshllbq_n_s16(y, 15), p->y_mul, p->y_shift, p->rounding));
    const int32x4_t odd = vaddq_s32(add_s8_mve_scaled(vshlltq_n_s16(x, 15), p->x_mul, p->x_shift, p->rounding),
                                    add_s8_mve_scaled(vshlltq_n_s16(y, 15), p->y_mul, p->y_shift, p->rounding));
    const int16x8_t codes = vqmovntq_s32(vqmovnbq_s32(vuninitializedq_s16(), add_s8_mve_codes(p, even)), add_s8_mve_codes(p, odd));
    return vminq_s16(vmaxq_s16(codes, vdupq_n_s16((int16_t)p->lo)), vdupq_n_s16((int16_t)p->hi));
}

/* x, y and out p->shape[4]; out may be x or y */
static inline void add_s16_mve(const add_s16_mve_params *p, const int16_t *x, const int16_t *y, int16_t *out)
{
    const int32_t count = p->shape[4], rest = count % 8;
    for (int32_t i = 0; i + 8 <= count; i += 8) {
        vstrhq_s16(out + i, add_s16_mve_eight(p, vldrhq_s16(x + i), vldrhq_s16(y + i)));
    }
    if (rest) {
        const mve_pred16_t last = vctp16q((uint32_t)rest);
        const int16x8_t codes = add_s16_mve_eight(p, vldrhq_z_s16(x + count - rest, last), vldrhq_z_s16(y + count - rest, last));
        vstrhq_p_s16(out + count - rest, codes, last);
    }
}

#endif
