/* add on Helium: two tensors of one shape, eight codes at a time. The definition is compiler/elementwise.py. */
#ifndef TAPEOUT_ADD_MVE_H
#define TAPEOUT_ADD_MVE_H

#include "sum.h"
#include <arm_mve.h>

typedef sum_s8_params add_s8_mve_params;

/* Inlined, so that the parameters are constants of the loop. */
static inline int32x4_t add_s8_mve_scaled(int32x4_t, int32_t, int32_t, rounding) __attribute__((always_inline));
static inline int32x4_t add_s8_mve_codes(const add_s8_mve_params *, int32x4_t) __attribute__((always_inline));
static inline int16x8_t add_s8_mve_eight(const add_s8_mve_params *, int16x8_t, int16x8_t) __attribute__((always_inline));
static inline void add_s8_mve(const add_s8_mve_params *, const int8_t *, const int8_t *, int8_t *) __attribute__((always_inline));

/* x * mul / 2^shift of four numbers, shift >= 31, by the rounding TFLITE or HALF_UP */
static inline int32x4_t add_s8_mve_scaled(int32x4_t x, int32_t mul, int32_t shift, rounding rounding)
{
    if (mul == 1 << 30 && shift == 31) { /* of the larger scale, whose numbers are even */
        return vshrq_n_s32(x, 1);
    }
    if (shift == 31) {
        return vqrdmulhq_n_s32(x, mul);
    }
    if (rounding == ROUND_TFLITE) { /* half away from zero: negative ties are those that one less makes no tie */
        const int32x4_t high = vqrdmulhq_n_s32(x, mul);
        return vrshlq_n_s32(vaddq_s32(high, vshrq_n_s32(high, 31)), 31 - shift);
    }
    const int32x4_t muls = vdupq_n_s32(mul);
    return shift == 32 ? vrmulhq_s32(x, muls) : vrshlq_n_s32(vmulhq_s32(x, muls), 32 - shift);
}

/* The codes of sums, before they are clipped, as targets/high_word.py has them. */
static inline int32x4_t add_s8_mve_codes(const add_s8_mve_params *p, int32x4_t sum)
{
    const int32_t shift = p->out_shift - (p->rounding == ROUND_TFLITE ? 31 : 32);
    const int32_t add = ((int32_t)1 << (shift - 1)) + p->out_zero * ((int32_t)1 << shift);
    int32x4_t high;
    if (p->rounding == ROUND_TFLITE) {
        high = vaddq_n_s32(vqrdmulhq_n_s32(sum, p->out_mul), add);
        high = p->lo < p->out_zero ? vaddq_s32(high, vshrq_n_s32(sum, 31)) : high; /* else the codes of negative sums are all lo */
    } else {
        high = vaddq_n_s32(vmulhq_s32(sum, vdupq_n_s32(p->out_mul)), add);
    }
    return vshlq_r_s32(high, -shift);
}

/* Eight codes of the sum in 16 bits each. */
static inline int16x8_t add_s8_mve_eight(const add_s8_mve_params *p, int16x8_t x, int16x8_t y)
{
    const int32_t left = (int32_t)1 << (p->left - 16);
    const int16x8_t first = vmulq_n_s16(vsubq_n_s16(x, (int16_t)p->x_zero), (int16_t)left);
    const int16x8_t second = vmulq_n_s16(vsubq_n_s16(y, (int16_t)p->y_zero), (int16_t)left);
    const int32x4_t even = vaddq_s32(add_s8_mve_scaled(vshllbq_n_s16(first, 16), p->x_mul, p->x_shift, p->rounding),
                                     add_s8_mve_scaled(vshllbq_n_s16(second, 16), p->y_mul, p->y_shift, p->rounding));
    const int32x4_t odd = vaddq_s32(add_s8_mve_scaled(vshlltq_n_s16(first, 16), p->x_mul, p->x_shift, p->rounding),
                                    add_s8_mve_scaled(vshlltq_n_s16(second, 16), p->y_mul, p->y_shift, p->rounding));
    int16x8_t codes = vqmovnbq_s32(vuninitializedq_s16(), add_s8_mve_codes(p, even));
    codes = vqmovntq_s32(codes, add_s8_mve_codes(p, odd));
    codes = vmaxq_s16(codes, vdupq_n_s16((int16_t)p->lo));
    return vminq_s16(codes, vdupq_n_s16((int16_t)p->hi));
}

/* x, y and out p->shape[4]; out may be x or y */
static inline void add_s8_mve(const add_s8_mve_params *p, const int8_t *x, const int8_t *y, int8_t *out)
{
    const int32_t count = p->shape[4], rest = count % 8;
    for (int32_t i = 0; i + 8 <= count; i += 8) {
        vstrbq_s16(out + i, add_s8_mve_eight(p, vldrbq_s16(x + i), vldrbq_s16(y + i)));
    }
    if (rest) {
        const mve_pred16_t last = vctp16q((uint32_t)rest);
        const int16x8_t codes = add_s8_mve_eight(p, vldrbq_z_s16(x + count - rest, last), vldrbq_z_s16(y + count - rest, last));
        vstrbq_p_s16(out + count - rest, codes, last);
    }
}

#endif
