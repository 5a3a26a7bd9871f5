/* What the float layers on vectors share. A lane is an output channel, with one sum whose steps are in the declared order, so that weights
 * lie output channels last. The contracts (compiler/f16.py): f16_fma sums in f16 by fused multiply-adds; f16 in f32, where products are
 * exact, so that a fused multiply-add rounds as product and sum apart do; f32 rounds products and sums apart. Nothing here depends on the
 * length of vectors. Python's side of it: floats.py. */
#ifndef TAPEOUT_FLOATS_ZVE_H
#define TAPEOUT_FLOATS_ZVE_H

#include <riscv_vector.h>
#include <stdint.h>

/* An element of f16, which other kernels hold as uint16_t. */
typedef _Float16 zve_f16 __attribute__((may_alias));

/* What becomes of sums: b is added if there is any; bounds do something only where `low` and `high` say so. */
typedef struct {
    int32_t biased, low, high;
    float lo, hi;
} zve_end;

static inline vfloat16m4_t zve_end_f16(const zve_end *, vfloat16m4_t, const _Float16 *, size_t) __attribute__((always_inline));
static inline vfloat32m8_t zve_end_f32(const zve_end *, vfloat32m8_t, const float *, size_t) __attribute__((always_inline));

/* Comparisons are false for NaN, which so stays. */
static inline vfloat16m4_t zve_end_f16(const zve_end *e, vfloat16m4_t sum, const _Float16 *b, size_t vl)
{
    if (e->biased) {
        sum = __riscv_vfadd_vv_f16m4(sum, __riscv_vle16_v_f16m4(b, vl), vl);
    }
    if (e->low) {
        sum = __riscv_vfmerge_vfm_f16m4(sum, (_Float16)e->lo, __riscv_vmflt_vf_f16m4_b4(sum, (_Float16)e->lo, vl), vl);
    }
    if (e->high) {
        sum = __riscv_vfmerge_vfm_f16m4(sum, (_Float16)e->hi, __riscv_vmfgt_vf_f16m4_b4(sum, (_Float16)e->hi, vl), vl);
    }
    return sum;
}

static inline vfloat32m8_t zve_end_f32(const zve_end *e, vfloat32m8_t sum, const float *b, size_t vl)
{
    if (e->biased) {
        sum = __riscv_vfadd_vv_f32m8(sum, __riscv_vle32_v_f32m8(b, vl), vl);
    }
    if (e->low) {
        sum = __riscv_vfmerge_vfm_f32m8(sum, e->lo, __riscv_vmflt_vf_f32m8_b4(sum, e->lo, vl), vl);
    }
    if (e->high) {
        sum = __riscv_vfmerge_vfm_f32m8(sum, e->hi, __riscv_vmfgt_vf_f32m8_b4(sum, e->hi, vl), vl);
    }
    return sum;
}

#define ZVE_END_F16_FMA(e, sum, b, y, vl) __riscv_vse16_v_f16m4(y, zve_end_f16(e, sum, b, vl), vl)
#define ZVE_END_F16(e, sum, b, y, vl) __riscv_vse16_v_f16m4(y, __riscv_vfncvt_f_f_w_f16m4(zve_end_f32(e, sum, b, vl), vl), vl)
#define ZVE_END_F32(e, sum, b, y, vl) __riscv_vse32_v_f32m8(y, zve_end_f32(e, sum, b, vl), vl)

/* One step of a sum: the weights of one input by its value. */
#define ZVE_STEP_F16_FMA(sum, x, w, vl) __riscv_vfmacc_vf_f16m4(sum, x, w, vl)
#define ZVE_STEP_F16(sum, x, w, vl) __riscv_vfwmacc_vf_f32m8(sum, x, w, vl)
#define ZVE_STEP_F32(sum, x, w, vl) __riscv_vfadd_vv_f32m8(sum, __riscv_vfmul_vf_f32m8(w, x, vl), vl)

/* One step of a sum of its own channel's values. */
#define ZVE_LANES_F16_FMA(sum, x, w, vl) __riscv_vfmacc_vv_f16m4(sum, x, w, vl)
#define ZVE_LANES_F16(sum, x, w, vl) __riscv_vfwmacc_vv_f32m8(sum, x, w, vl)
#define ZVE_LANES_F32(sum, x, w, vl) __riscv_vfadd_vv_f32m8(sum, __riscv_vfmul_vv_f32m8(x, w, vl), vl)

/* X(contract, element, bias element, as in macros, sums, zero sums, weights, channels of a vector) */
#define ZVE_FOR_EACH_CONTRACT(X)                                                                                                           \
    X(f16_fma, zve_f16, zve_f16, F16_FMA, vfloat16m4_t, __riscv_vfmv_v_f_f16m4(0, vl), __riscv_vle16_v_f16m4, __riscv_vsetvl_e16m4)     \
    X(f16, zve_f16, float, F16, vfloat32m8_t, __riscv_vfmv_v_f_f32m8(0, vl), __riscv_vle16_v_f16m4, __riscv_vsetvl_e32m8)                \
    X(f32, float, float, F32, vfloat32m8_t, __riscv_vfmv_v_f_f32m8(0, vl), __riscv_vle32_v_f32m8, __riscv_vsetvl_e32m8)

#endif
