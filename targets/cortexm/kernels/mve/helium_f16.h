/* What the Helium kernels of f16 share: text of their assembly. Sums are in f16, a lane for each output channel, each step a fused
 * multiply-add, so that every sum has the order of the reference. Float vectors round subnormal f32 to zero, but f16 by FPSCR.FZ16, which
 * is 0 from reset on: subnormal f16 stay. gcc compiles for Helium without floats (targets/cortexm/target.py says why), so that these
 * instructions are named to the assembler alone. */
#ifndef TAPEOUT_HELIUM_F16_H
#define TAPEOUT_HELIUM_F16_H

#include <stdint.h>

/* What becomes of sums: b is added if there is any; bounds are bits of f16, which do something only where `low` and `high` say so. */
typedef struct {
    int32_t biased, low, high;
    int32_t lo, hi;
} helium_f16_end;

#define HELIUM_F16_END(p) [biased] "i"((p).biased), [low] "i"((p).low), [high] "i"((p).high), [lo] "i"((p).lo), [hi] "i"((p).hi)

#define HELIUM_F16_ON ".arch_extension mve.fp\n"

/* Adds the biases at r0 to one vector of sums. */
#define HELIUM_F16_BIAS(sum, bias)                                                                                                         \
    ".if %c[biased]\n"                                                                                                                     \
    "vadd.f16 " sum ", " sum ", " bias "\n"                                                                                                \
    ".endif\n"

/* The bounds in q6 and q7, by r0. */
#define HELIUM_F16_BOUNDS                                                                                                                  \
    ".if %c[low]\n"                                                                                                                        \
    "movw r0, #%c[lo]\n"                                                                                                                   \
    "vdup.16 q6, r0\n"                                                                                                                     \
    ".endif\n"                                                                                                                             \
    ".if %c[high]\n"                                                                                                                       \
    "movw r0, #%c[hi]\n"                                                                                                                   \
    "vdup.16 q7, r0\n"                                                                                                                     \
    ".endif\n"

/* Comparisons by "greater" are false for NaN, which so stays. */
#define HELIUM_F16_CLIP(sum)                                                                                                               \
    ".if %c[low]\n"                                                                                                                        \
    "vcmp.f16 gt, q6, " sum "\n"                                                                                                           \
    "vpst\n"                                                                                                                               \
    "vmovt " sum ", q6\n"                                                                                                                  \
    ".endif\n"                                                                                                                             \
    ".if %c[high]\n"                                                                                                                       \
    "vcmp.f16 gt, " sum ", q7\n"                                                                                                           \
    "vpst\n"                                                                                                                               \
    "vmovt " sum ", q7\n"                                                                                                                  \
    ".endif\n"

#define HELIUM_F16_CLOBBERS                                                                                                                \
    "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory", "q0", "q1", "q2", "q3", "q4", "q5",   \
        "q6", "q7", "p0"

#endif
