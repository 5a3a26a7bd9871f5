/* add on vectors: two tensors of one shape. The definition is compiler/elementwise.py. */
#ifndef TAPEOUT_ADD_ZVE_H
#define TAPEOUT_ADD_ZVE_H

#include "sum.h"
#include <riscv_vector.h>

typedef sum_s8_params add_s8_zve_params;

/* Inlined, so that the parameters are constants of the loop. */
static inline vint32m8_t add_s8_zve_scaled(vint8m2_t, int32_t, int32_t, int32_t, int32_t, rounding, size_t) __attribute__((always_inline));
static inline vint32m8_t add_s8_zve_high(const add_s8_zve_params *, vint32m8_t, size_t) __attribute__((always_inline));

/* (x - zero) * 2^left * mul / 2^shift of codes, shift >= 31, by the rounding TFLITE or HALF_UP; the numbers before are even. */
static inline vint32m8_t add_s8_zve_scaled(vint8m2_t codes, int32_t zero, int32_t left, int32_t mul, int32_t shift, rounding rounding, size_t vl)
{
    const vint16m4_t less = __riscv_vwsub_vx_i16m4(codes, (int8_t)zero, vl);
    const vint32m8_t x = __riscv_vwmul_vx_i32m8(__riscv_vsll_vx_i16m4(less, (size_t)(left - 14), vl), 1 << 14, vl);
    if (shift == 31) {
        return __riscv_vsmul_vx_i32m8(x, mul, __RISCV_VXRM_RNU, vl);
    }
    if (rounding == ROUND_TFLITE) { /* half away from zero: negative ties are those that one less makes no tie */
        const vint32m8_t high = __riscv_vsmul_vx_i32m8(x, mul, __RISCV_VXRM_RNU, vl);
        const vint32m8_t nudged = __riscv_vadd_vv_i32m8(high, __riscv_vsra_vx_i32m8(high, 31, vl), vl);
        return __riscv_vssra_vx_i32m8(nudged, (size_t)(shift - 31), __RISCV_VXRM_RNU, vl);
    }
    if (shift == 32) {
        return __riscv_vsmul_vx_i32m8(__riscv_vsra_vx_i32m8(x, 1, vl), mul, __RISCV_VXRM_RNU, vl);
    }
    return __riscv_vssra_vx_i32m8(__riscv_vmulh_vx_i32m8(x, mul, vl), (size_t)(shift - 32), __RISCV_VXRM_RNU, vl);
}

/* The codes of sums times 2^(the shift behind the high word), as targets/high_word.py has them. */
static inline vint32m8_t add_s8_zve_high(const add_s8_zve_params *p, vint32m8_t sum, size_t vl)
{
    const int32_t shift = p->out_shift - (p->rounding == ROUND_TFLITE ? 31 : 32);
    const int32_t add = ((int32_t)1 << (shift - 1)) + p->out_zero * ((int32_t)1 << shift);
    if (p->rounding != ROUND_TFLITE) {
        return __riscv_vadd_vx_i32m8(__riscv_vmulh_vx_i32m8(sum, p->out_mul, vl), add, vl);
    }
    const vint32m8_t high = __riscv_vadd_vx_i32m8(__riscv_vsmul_vx_i32m8(sum, p->out_mul, __RISCV_VXRM_RNU, vl), add, vl);
    if (p->lo >= p->out_zero) { /* the codes of negative sums are all lo */
        return high;
    }
    return __riscv_vadd_vv_i32m8(high, __riscv_vsra_vx_i32m8(sum, 31, vl), vl);
}

/* x, y and out p->shape[4]; out may be x or y */
static inline void add_s8_zve(const add_s8_zve_params *p, const int8_t *x, const int8_t *y, int8_t *out)
{
    size_t vl;
    for (int32_t i = 0; i < p->shape[4]; i += (int32_t)vl) {
        vl = __riscv_vsetvl_e8m2((size_t)(p->shape[4] - i));
        const vint8m2_t a = __riscv_vle8_v_i8m2(x + i, vl), b = __riscv_vle8_v_i8m2(y + i, vl);
        const vint32m8_t first = add_s8_zve_scaled(a, p->x_zero, p->left, p->x_mul, p->x_shift, p->rounding, vl);
        const vint32m8_t second = add_s8_zve_scaled(b, p->y_zero, p->left, p->y_mul, p->y_shift, p->rounding, vl);
        const vint32m8_t high = add_s8_zve_high(p, __riscv_vadd_vv_i32m8(first, second, vl), vl);
        const size_t shift = (size_t)(p->out_shift - (p->rounding == ROUND_TFLITE ? 31 : 32));
        const vint16m4_t halves = __riscv_vnclip_wx_i16m4(high, shift, __RISCV_VXRM_RDN, vl);
        vint8m2_t codes = __riscv_vnclip_wx_i8m2(halves, 0, __RISCV_VXRM_RDN, vl);
        codes = __riscv_vmax_vx_i8m2(codes, (int8_t)p->lo, vl);
        __riscv_vse8_v_i8m2(out + i, __riscv_vmin_vx_i8m2(codes, (int8_t)p->hi, vl), vl);
    }
}

#endif
