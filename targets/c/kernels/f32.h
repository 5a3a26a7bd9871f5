/* exp, log, sigmoid, tanh and the fused multiply-add of one float, to the bit. The definition is compiler/f32.py, which also gives the origin
 * of the coefficients and the errors; this file is its C twin. Needs IEEE 754 binary32 with denormal numbers,
 * rounding to nearest even, and -ffp-contract=off. */
#ifndef TAPEOUT_F32_H
#define TAPEOUT_F32_H

#include <stdint.h>
#include <string.h>

static inline uint32_t float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2^n, -126 <= n <= 127 */
static inline float power_of_two(int32_t n)
{
    return float_of_bits((uint32_t)(n + 127) << 23);
}

/* e^x = 2^n (1 + (r + r r p(r))), n the integer nearest to x / ln 2 */
static inline float exp_scalar(float x)
{
    if (x != x) {
        return float_of_bits(0x7fc00000u);
    }
    if (x > 0x1.62e42ep+6f) {
        return float_of_bits(0x7f800000u);
    }
    if (x < -0x1.9fe368p+6f) {
        return 0.0f;
    }
    const float scaled = x * 0x1.715476p+0f;
    const int32_t n = (int32_t)(scaled + (scaled >= 0.0f ? 0.5f : -0.5f));
    const float whole = (float)n;
    const float r = (x - whole * 0x1.62e4p-1f) - whole * 0x1.7f7d1cp-20f;
    float p = 0x1.6ad15ep-10f;
    p = p * r + 0x1.123f3p-7f;
    p = p * r + 0x1.55584ep-5f;
    p = p * r + 0x1.55548ap-3f;
    p = p * r + 0x1.fffffcp-2f;
    const float y = 1.0f + (r + r * r * p);
    return y * power_of_two(n / 2) * power_of_two(n - n / 2); /* two steps: a denormal result is rounded once */
}

/* The logarithm of a finite x >= 1: x = 2^n m, s = (m - 1) / (m + 1) */
static inline float log_scalar(float x)
{
    if (!(x >= 1.0f && x < float_of_bits(0x7f800000u))) {
        return float_of_bits(0x7fc00000u);
    }
    const float mantissa = float_of_bits((float_bits(x) & 0x7fffffu) | 0x3f800000u);
    const int32_t large = mantissa > 0x1.6a09e6p+0f;
    const float n = (float)((int32_t)(float_bits(x) >> 23) - 127 + large);
    const float m = large ? mantissa * 0.5f : mantissa;
    const float s = (m - 1.0f) / (m + 1.0f);
    const float square = s * s;
    float p = 0x1.c71c72p-3f;
    p = p * square + 0x1.24924ap-2f;
    p = p * square + 0x1.99999ap-2f;
    p = p * square + 0x1.555556p-1f;
    return n * 0x1.62e4p-1f + (2.0f * s + (s * square * p + n * 0x1.7f7d1cp-20f));
}

/* 1 / (1 + e^-x) */
static inline float sigmoid_scalar(float x)
{
    if (x != x) {
        return float_of_bits(0x7fc00000u);
    }
    const float e = exp_scalar(x < 0.0f ? x : -x);
    return (x >= 0.0f ? 1.0f : e) / (1.0f + e);
}

static inline float tanh_scalar(float x)
{
    if (x != x) {
        return float_of_bits(0x7fc00000u);
    }
    const uint32_t sign = float_bits(x) & 0x80000000u;
    const float a = float_of_bits(float_bits(x) ^ sign);
    if (a >= 0x1.19999ap-1f) {
        return float_of_bits(float_bits(1.0f - 2.0f / (exp_scalar(2.0f * a) + 1.0f)) | sign);
    }
    const float square = a * a;
    float p = -0x1.9c94b8p-8f;
    p = p * square + 0x1.598278p-6f;
    p = p * square - 0x1.b931fcp-5f;
    p = p * square + 0x1.110d6ap-3f;
    p = p * square - 0x1.55554cp-2f;
    return float_of_bits(float_bits(a + a * square * p) | sign);
}

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__riscv_flen) || defined(__riscv_zfinx)
/* x * w + total, rounded once: the core's own instruction, which compilers make of this function, on RISC-V with -fno-math-errno. */
static inline float fma_f32(float x, float w, float total)
{
    return __builtin_fmaf(x, w, total);
}
#else
/* x * w + total, rounded once. The product is exact in double, and the error of the sum is found by six additions (Knuth's TwoSum). It makes
 * the sum one that is rounded to odd, which rounded once more gives what the exact one does; see fma_f32 in compiler/f32.py. */
static inline float fma_f32(float x, float w, float total)
{
    const double product = (double)x * (double)w;
    double sum = product + (double)total;
    const double other = sum - product;
    const double error = (product - (sum - other)) + ((double)total - other);
    if (error < 0.0 || error > 0.0) { /* not of a NaN, which is that of an infinite sum */
        uint64_t bits;
        memcpy(&bits, &sum, sizeof bits);
        if (!(bits & 1u)) {
            bits = (error > 0.0) == (sum > 0.0) ? bits + 1u : bits - 1u;
            memcpy(&sum, &bits, sizeof sum);
        }
    }
    return (float)sum;
}
#endif

/* log(1 + e^x) of a finite x */
static inline float softplus_scalar(float x)
{
    return (x > 0.0f ? x : 0.0f) + log_scalar(1.0f + exp_scalar(x < 0.0f ? x : -x));
}

/* The square root of a normal x by four steps of Newton, 0 for all below */
static inline float root_scalar(float x)
{
    if (!(x >= 0x1p-126f)) {
        return 0.0f;
    }
    float y = float_of_bits((float_bits(x) >> 1) + 0x1fc00000u);
    for (int32_t i = 0; i < 4; i++) {
        y = 0.5f * (y + x / y);
    }
    return y;
}

#endif
