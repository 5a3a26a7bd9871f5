/* The instructions of the CORE-V extensions (OpenHW, "CV32E40P User Manual", chapter "CORE-V Instruction Set Custom Extensions") that
 * kernels use, in three spellings: the assembly of clang; the builtins of PULP's GCC, whose cores encode them otherwise; and plain C,
 * which says what they compute. Tests run the first on the core's RTL and the last on the host; nothing here has run PULP's GCC. */
#ifndef TAPEOUT_XCV_H
#define TAPEOUT_XCV_H

#include <stdint.h>
#include <string.h>

#if defined(__riscv_xcvsimd) && defined(__riscv_xcvmac) && defined(__riscv_xcvalu) && defined(__riscv_xcvmem)
#define XCV_ASSEMBLY
#elif defined(__riscv_xpulpv2) || defined(__PULP__)
#define XCV_BUILTINS
typedef int8_t xcv_bytes __attribute__((vector_size(4)));
typedef int16_t xcv_halves __attribute__((vector_size(4)));
#endif

/* Hardware loops of clang, which has no mnemonics for them: the `words` instructions after it, none compressed, run `count` times, at
 * least once. Loop 0 is set up, and its end is counted in words from this instruction. At least three instructions, no jumps. */
#define XCV_LOOP(count, words) ".balign 4\n.option push\n.option norvc\n.insn i 0x2b, 4, x14, " count ", " words " + 1\n"
#define XCV_LOOP_END ".option pop\n"

/* Four bytes, wherever they lie: the core splits what is not aligned in two. */
static inline uint32_t xcv_load(const int8_t *from)
{
    uint32_t word;
    memcpy(&word, from, 4);
    return word;
}

/* sum + the products of four signed bytes each. */
static inline int32_t xcv_dot4(int32_t sum, uint32_t x, uint32_t w)
{
#if defined(XCV_ASSEMBLY)
    __asm("cv.sdotsp.b %0, %1, %2" : "+r"(sum) : "r"(x), "r"(w));
#elif defined(XCV_BUILTINS)
    sum = __builtin_pulp_sdotsp4((xcv_bytes)x, (xcv_bytes)w, sum);
#else
    for (int32_t i = 0; i < 32; i += 8) {
        sum += (int8_t)(x >> i) * (int8_t)(w >> i);
    }
#endif
    return sum;
}

/* sum + x * w, modulo 2^32. */
static inline int32_t xcv_mac(int32_t sum, int32_t x, int32_t w)
{
#if defined(XCV_ASSEMBLY)
    __asm("cv.mac %0, %1, %2" : "+r"(sum) : "r"(x), "r"(w));
#else
    sum = (int32_t)((uint32_t)sum + (uint32_t)x * (uint32_t)w);
#endif
    return sum;
}

/* The product of the lower halves, without its last 12 bits. */
static inline uint32_t xcv_product12(uint32_t x, uint32_t w)
{
#if defined(XCV_ASSEMBLY)
    uint32_t product;
    __asm("cv.mulun %0, %1, %2, 12" : "=r"(product) : "r"(x), "r"(w));
    return product;
#else
    return (x & 0xffffu) * (w & 0xffffu) >> 12;
#endif
}

/* x between 0 and `most`, which is not negative. */
static inline int32_t xcv_clip_to(int32_t x, int32_t most)
{
#if defined(XCV_ASSEMBLY)
    __asm("cv.clipur %0, %0, %1" : "+r"(x) : "r"(most));
    return x;
#else
    return x < 0 ? 0 : x > most ? most : x;
#endif
}

/* x between -128 and 127. */
static inline int32_t xcv_clip8(int32_t x)
{
#if defined(XCV_ASSEMBLY)
    __asm("cv.clip %0, %0, 8" : "+r"(x));
    return x;
#elif defined(XCV_BUILTINS)
    return __builtin_pulp_clip(x, -128, 127);
#else
    return x < -128 ? -128 : x > 127 ? 127 : x;
#endif
}

/* The lower half of `low`, and that of `high` above it. */
static inline uint32_t xcv_pack(uint32_t high, uint32_t low)
{
#if defined(XCV_ASSEMBLY)
    uint32_t word;
    __asm("cv.pack %0, %1, %2" : "=r"(word) : "r"(high), "r"(low));
    return word;
#elif defined(XCV_BUILTINS)
    return (uint32_t)__builtin_pulp_pack2((int32_t)low, (int32_t)high);
#else
    return high << 16 | (low & 0xffffu);
#endif
}

/* Four of the eight bytes of two words, as four bytes of `which` say: 0 to 3 are of `low`, 4 to 7 of `high`. */
static inline uint32_t xcv_shuffle(uint32_t low, uint32_t high, uint32_t which)
{
#if defined(XCV_ASSEMBLY)
    __asm("cv.shuffle2.b %0, %1, %2" : "+r"(low) : "r"(high), "r"(which));
    return low;
#elif defined(XCV_BUILTINS)
    return (uint32_t)__builtin_shuffle((xcv_bytes)low, (xcv_bytes)high, (xcv_bytes)which);
#else
    uint32_t word = 0;
    for (int32_t i = 0; i < 32; i += 8) {
        const uint32_t byte = which >> i & 7u;
        word |= ((byte < 4 ? low >> 8 * byte : high >> 8 * (byte - 4)) & 0xffu) << i;
    }
    return word;
#endif
}

/* The upper half of a product. */
static inline int32_t xcv_high(int32_t x, int32_t y)
{
    return (int32_t)((int64_t)x * y >> 32);
}

#endif
