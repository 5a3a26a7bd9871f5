/* Elements of 16-bit floats, f16 (IEEE binary16) and bf16 (bfloat16), to the bit. The definition is compiler/f16.py; this file is its C
 * twin. Kernels compute in float: they load elements by load_float and store them by store_float, whose format is a constant that the
 * compiler folds. Integer code, or the core's own conversions, which give the same bits. */
#ifndef TAPEOUT_F16_H
#define TAPEOUT_F16_H

#include "f32.h"

typedef enum { FORMAT_F32, FORMAT_F16, FORMAT_BF16 } float_format;

#if defined(__GNUC__) && defined(__ARM_FP) && defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
/* Every float unit of an M-profile core converts f16, and by IEEE's rules until FPSCR.AHP is set. */
static inline float float_of_f16(uint16_t half)
{
    float x = float_of_bits(half);
    __asm("vcvtb.f32.f16 %0, %0" : "+t"(x));
    return x;
}

static inline uint16_t f16_of_float(float x)
{
    __asm("vcvtb.f16.f32 %0, %0" : "+t"(x));
    return (uint16_t)float_bits(x);
}
#elif defined(__riscv_zfh) || defined(__riscv_zhinxmin)
/* The extension has its own loads and arithmetic of f16; the compiler makes them of these conversions. */
static inline float float_of_f16(uint16_t half)
{
    _Float16 x;
    memcpy(&x, &half, sizeof x);
    return (float)x;
}

static inline uint16_t f16_of_float(float x)
{
    const _Float16 narrow = (_Float16)x;
    uint16_t half;
    memcpy(&half, &narrow, sizeof half);
    return half;
}
#else
static inline float float_of_f16(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    const uint32_t magnitude = half & 0x7fffu;
    if (magnitude >= 0x7c00u) { /* infinity and NaN */
        return float_of_bits(sign | 0x7f800000u | magnitude << 13);
    }
    if (magnitude >= 0x0400u) { /* the bias of the exponent is 127, not 15 */
        return float_of_bits(sign | ((magnitude << 13) + (112u << 23)));
    }
    const float x = (float)(int32_t)magnitude * 0x1p-24f;
    return sign ? -x : x;
}

/* To nearest even, from 65520 on to infinity. */
static inline uint16_t f16_of_float(float x)
{
    const uint32_t sign = float_bits(x) >> 16 & 0x8000u;
    const uint32_t magnitude = float_bits(x) & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
        return 0x7e00u;
    }
    if (magnitude >= 0x477ff000u) {
        return (uint16_t)(sign | 0x7c00u);
    }
    if (magnitude >= 0x38800000u) {
        const uint32_t even = magnitude - (112u << 23) + 0x0fffu + (magnitude >> 13 & 1u);
        return (uint16_t)(sign | even >> 13);
    }
    const float units = float_of_bits(magnitude) + 0.5f; /* of which the last bit counts 2^-24, as in a denormal f16 */
    return (uint16_t)(sign | (float_bits(units) - 0x3f000000u));
}
#endif

static inline float float_of_bf16(uint16_t half)
{
    return float_of_bits((uint32_t)half << 16);
}

/* To nearest even. */
static inline uint16_t bf16_of_float(float x)
{
    const uint32_t bits = float_bits(x);
    return (uint16_t)(x != x ? 0x7fc0u : (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

static inline float load_float(const void *x, int32_t i, float_format format)
{
    switch (format) {
    case FORMAT_F16:
        return float_of_f16(((const uint16_t *)x)[i]);
    case FORMAT_BF16:
        return float_of_bf16(((const uint16_t *)x)[i]);
    default:
        return ((const float *)x)[i];
    }
}

static inline void store_float(void *y, int32_t i, float_format format, float value)
{
    switch (format) {
    case FORMAT_F16:
        ((uint16_t *)y)[i] = f16_of_float(value);
        break;
    case FORMAT_BF16:
        ((uint16_t *)y)[i] = bf16_of_float(value);
        break;
    default:
        ((float *)y)[i] = value;
    }
}

/* Lets a NaN through, and keeps the sign of a zero. */
static inline float clip_float(float x, float lo, float hi)
{
    x = x < lo ? lo : x;
    return x > hi ? hi : x;
}

/* The f16 number nearest to x. */
static inline float round_to_f16(float x)
{
    return float_of_f16(f16_of_float(x));
}

#if defined(__riscv_zfh)
/* x * w + total of f16 numbers, rounded once, to f16: by one instruction. */
static inline float fma_f16(float x, float w, float total)
{
    _Float16 sum;
    __asm("fmadd.h %0, %1, %2, %3" : "=f"(sum) : "f"((_Float16)x), "f"((_Float16)w), "f"((_Float16)total));
    return (float)sum;
}
#elif defined(PULP_HALVES)
/* The same, for which clang has no name on a core whose division of halves never ends. */
static inline float fma_f16(float x, float w, float total)
{
    uint32_t sum;
    __asm(".insn r4 0x43, 7, 2, %0, %1, %2, %3"
          : "=r"(sum) : "r"((uint32_t)f16_of_float(x)), "r"((uint32_t)f16_of_float(w)), "r"((uint32_t)f16_of_float(total)));
    return float_of_f16((uint16_t)sum);
}
#else
/* x * w + total of f16 numbers, rounded once, to f16. The product is exact, and the error of the sum is found by six additions (Knuth's
 * TwoSum). It makes the sum one that is rounded to odd: of the two floats next to the exact sum the one whose last bit is 1. Rounded
 * once more to a format with at least two bits less, such a sum gives what the exact one does (Boldo and Melquiond, 2008). */
static inline float fma_f16(float x, float w, float total)
{
    const float product = x * w;
    float sum = product + total;
    const float other = sum - product;
    const float error = (product - (sum - other)) + (total - other);
    if ((error < 0.0f || error > 0.0f) && !(float_bits(sum) & 1u)) { /* not of a NaN, which is that of an infinite sum */
        const int32_t outwards = (error > 0.0f) == (sum > 0.0f);
        sum = float_of_bits(outwards ? float_bits(sum) + 1u : float_bits(sum) - 1u);
    }
    return round_to_f16(sum);
}
#endif

/* How sums of products are rounded: in float, product and sum apart; in f16, where each step is one fused multiply-add; in float, by fused
 * multiply-adds. */
typedef enum { SUMS_F32, SUMS_F16, SUMS_F32_FMA } float_sums;

/* total + x * w. `sums` is a constant that the compiler folds. */
static inline float add_product(float total, float x, float w, float_sums sums)
{
    switch (sums) {
    case SUMS_F16:
        return fma_f16(x, w, total);
    case SUMS_F32_FMA:
        return fma_f32(x, w, total);
    default:
        return total + x * w;
    }
}

/* What a sum becomes before it is stored: b, which has its format, is added if there; then the clip. A sum in f16 and its b are added in
 * float: their sum is rounded to f16 when it is stored, which gives the same bits as if it were at once (Figueroa, 1995), as bounds and
 * roundings do not pass each other. */
static inline float finish_sum(float sum, const void *b, int32_t o, float_sums sums, float lo, float hi)
{
    sum = b ? sum + load_float(b, o, sums == SUMS_F16 ? FORMAT_F16 : FORMAT_F32) : sum;
    return clip_float(sum, lo, hi);
}

#endif
