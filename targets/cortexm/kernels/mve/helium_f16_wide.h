/* What the Helium kernels of f16 with sums in f32 share: text of their assembly. Weights and elements are widened, even lanes in one
 * vector and odd ones in another. Float vectors round subnormal f32 to zero, which changes nothing here: products of f16 numbers are
 * whole multiples of 2^-48, and so are their sums; biases and bounds that are subnormal are refused. For the same reason products are
 * exact, so that a fused multiply-add rounds as a product and a sum do. */
#ifndef TAPEOUT_HELIUM_F16_WIDE_H
#define TAPEOUT_HELIUM_F16_WIDE_H

#include "helium_f16.h"

/* Bounds are bits of f32, which do something only where `low` and `high` say so. */
typedef struct {
    int32_t low, high;
    int32_t lo, hi;
} helium_wide_end;

#define HELIUM_WIDE_END(p) [low] "i"((p).low), [high] "i"((p).high), [lo] "i"((p).lo), [hi] "i"((p).hi)

/* VCVTB and VCVTT between f16 and f32 of vectors by their numbers: as words, since the assembler of binutils 2.40 takes q1 for q2. */
#define HELIUM_WIDEN_EVEN(to, from) ".inst.w 0xfe3f0e01 | " to " << 13 | " from " << 1\n"
#define HELIUM_WIDEN_ODD(to, from) ".inst.w 0xfe3f1e01 | " to " << 13 | " from " << 1\n"
#define HELIUM_NARROW_EVEN(to, from) ".inst.w 0xee3f0e01 | " to " << 13 | " from " << 1\n"
#define HELIUM_NARROW_ODD(to, from) ".inst.w 0xee3f1e01 | " to " << 13 | " from " << 1\n"

/* Sums of eight channels, the even ones in one vector, with the biases of the even and the odd ones in q6 and q7. */
#define HELIUM_WIDE_BIAS(even, odd) "vadd.f32 " even ", " even ", q6\n" "vadd.f32 " odd ", " odd ", q7\n"

/* The bounds in q6 and q7, by r0. */
#define HELIUM_WIDE_BOUNDS                                                                                                                 \
    ".if %c[low]\n"                                                                                                                        \
    "movw r0, #%c[lo] & 0xffff\n"                                                                                                          \
    "movt r0, #%c[lo] >> 16 & 0xffff\n"                                                                                                    \
    "vdup.32 q6, r0\n"                                                                                                                     \
    ".endif\n"                                                                                                                             \
    ".if %c[high]\n"                                                                                                                       \
    "movw r0, #%c[hi] & 0xffff\n"                                                                                                          \
    "movt r0, #%c[hi] >> 16 & 0xffff\n"                                                                                                    \
    "vdup.32 q7, r0\n"                                                                                                                     \
    ".endif\n"

/* Comparisons by "greater" are false for NaN, which so stays. */
#define HELIUM_WIDE_CLIP(sum)                                                                                                              \
    ".if %c[low]\n"                                                                                                                        \
    "vcmp.f32 gt, q6, " sum "\n"                                                                                                           \
    "vpst\n"                                                                                                                               \
    "vmovt " sum ", q6\n"                                                                                                                  \
    ".endif\n"                                                                                                                             \
    ".if %c[high]\n"                                                                                                                       \
    "vcmp.f32 gt, " sum ", q7\n"                                                                                                           \
    "vpst\n"                                                                                                                               \
    "vmovt " sum ", q7\n"                                                                                                                  \
    ".endif\n"

/* Eight sums, clipped and rounded to f16, in the first vector; both by their numbers. */
#define HELIUM_WIDE_NARROW(even, odd)                                                                                                      \
    HELIUM_WIDE_CLIP("q" even) HELIUM_WIDE_CLIP("q" odd) HELIUM_NARROW_EVEN(even, even) HELIUM_NARROW_ODD(even, odd)

#endif
