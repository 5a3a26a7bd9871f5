/* What the int8 layers on vectors share. A lane is an output channel, with one sum of 32 bits, so that weights lie output channels last; a
 * step multiplies the weights of one input by its code, for up to three outputs' rows or pixels at once. How many channels are computed
 * together is the core's to say (vsetvl): nothing here depends on the length of its vectors. Python's side of it: layer.py. */
#ifndef TAPEOUT_LAYER_ZVE_H
#define TAPEOUT_LAYER_ZVE_H

#include <riscv_vector.h>
#include <stdint.h>

/* How sums become codes, as targets/high_word.py has it. `signs`: whether negative sums are rounded otherwise, and are no code alike. */
typedef struct {
    int32_t doubled, signs, lo, hi;
} zve_codes;

/* Of each channel: what the sum begins at, the multiplier, what is added to the high word, and by how much that is shifted. */
typedef struct {
    const int32_t *start, *mul, *add;
    const uint16_t *shift;
} zve_table;

static inline zve_table zve_table_of(const int32_t *table, const uint16_t *shift, int32_t channels)
{
    return (zve_table){table, table + channels, table + 2 * channels, shift};
}

static inline void zve_store_codes(const zve_codes *, const zve_table *, int32_t, vint32m8_t, int8_t *, size_t) __attribute__((always_inline));
static inline void zve_three_rows(const zve_codes *, const zve_table *, const int8_t *const[3], int32_t, const int8_t *, int32_t, int8_t *const[3])
    __attribute__((always_inline));
static inline void zve_row(const zve_codes *, const zve_table *, const int8_t *, int32_t, const int8_t *, int32_t, int8_t *)
    __attribute__((always_inline));

/* Stores the codes of the sums of `vl` channels from `first` on. The tables are read anew for each row, as no registers are left. */
static inline void zve_store_codes(const zve_codes *c, const zve_table *t, int32_t first, vint32m8_t sum, int8_t *y, size_t vl)
{
    const vint32m8_t mul = __riscv_vle32_v_i32m8(t->mul + first, vl);
    vint32m8_t high;
    if (c->doubled) {
        high = __riscv_vsmul_vv_i32m8(sum, mul, __RISCV_VXRM_RNU, vl);
        if (c->signs) {
            high = __riscv_vadd_vv_i32m8(high, __riscv_vsra_vx_i32m8(sum, 31, vl), vl);
        }
    } else {
        high = __riscv_vmulh_vv_i32m8(sum, mul, vl);
    }
    high = __riscv_vadd_vv_i32m8(high, __riscv_vle32_v_i32m8(t->add + first, vl), vl);
    const vuint16m4_t shift = __riscv_vle16_v_u16m4(t->shift + first, vl);
    const vint16m4_t halves = __riscv_vnclip_wv_i16m4(high, shift, __RISCV_VXRM_RDN, vl);
    vint8m2_t codes = __riscv_vnclip_wx_i8m2(halves, 0, __RISCV_VXRM_RDN, vl);
    if (c->lo > INT8_MIN) {
        codes = __riscv_vmax_vx_i8m2(codes, (int8_t)c->lo, vl);
    }
    if (c->hi < INT8_MAX) {
        codes = __riscv_vmin_vx_i8m2(codes, (int8_t)c->hi, vl);
    }
    __riscv_vse8_v_i8m2(y + first, codes, vl);
    __asm volatile("" ::: "memory");
}

/* y[i] (channels) of x[i] (count) and w count x channels; rows may be the same */
static inline void zve_three_rows(const zve_codes *c, const zve_table *t, const int8_t *const x[3], int32_t count, const int8_t *w,
                                  int32_t channels, int8_t *const y[3])
{
    size_t vl;
    for (int32_t first = 0; first < channels; first += (int32_t)vl) {
        vl = __riscv_vsetvl_e32m8((size_t)(channels - first));
        vint32m8_t sum0 = __riscv_vle32_v_i32m8(t->start + first, vl), sum1 = sum0, sum2 = sum0;
        const int8_t *x0 = x[0], *x1 = x[1], *x2 = x[2], *at = w + first;
#pragma clang loop unroll_count(4)
        for (int32_t i = 0; i < count; i++) {
            const vint16m4_t tap = __riscv_vsext_vf2_i16m4(__riscv_vle8_v_i8m2(at, vl), vl);
            sum0 = __riscv_vwmacc_vx_i32m8(sum0, x0[i], tap, vl);
            sum1 = __riscv_vwmacc_vx_i32m8(sum1, x1[i], tap, vl);
            sum2 = __riscv_vwmacc_vx_i32m8(sum2, x2[i], tap, vl);
            at += channels;
        }
        zve_store_codes(c, t, first, sum0, y[0], vl);
        zve_store_codes(c, t, first, sum1, y[1], vl);
        zve_store_codes(c, t, first, sum2, y[2], vl);
    }
}

/* As above, one row. */
static inline void zve_row(const zve_codes *c, const zve_table *t, const int8_t *x, int32_t count, const int8_t *w, int32_t channels, int8_t *y)
{
    size_t vl;
    for (int32_t first = 0; first < channels; first += (int32_t)vl) {
        vl = __riscv_vsetvl_e32m8((size_t)(channels - first));
        vint32m8_t sum = __riscv_vle32_v_i32m8(t->start + first, vl);
        const int8_t *at = w + first;
#pragma clang loop unroll_count(4)
        for (int32_t i = 0; i < count; i++) {
            sum = __riscv_vwmacc_vx_i32m8(sum, x[i], __riscv_vsext_vf2_i16m4(__riscv_vle8_v_i8m2(at, vl), vl), vl);
            at += channels;
        }
        zve_store_codes(c, t, first, sum, y, vl);
    }
}

#endif
