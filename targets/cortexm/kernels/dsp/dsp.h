/* Instructions of the DSP extension that C has no name for. */
#ifndef TAPEOUT_DSP_H
#define TAPEOUT_DSP_H

#include <stdint.h>

/* c + a * b / 2^32, rounded down */
static inline int32_t smmla(int32_t a, int32_t b, int32_t c)
{
    int32_t result;
    __asm("smmla %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
}

/* c + a * b / 2^32, rounded half up */
static inline int32_t smmlar(int32_t a, int32_t b, int32_t c)
{
    int32_t result;
    __asm("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
}

/* x, at least -128 and at most 127 */
static inline int32_t ssat8(int32_t x)
{
    int32_t result;
    __asm("ssat %0, #8, %1" : "=r"(result) : "r"(x));
    return result;
}

/* x, at least -32768 and at most 32767 */
static inline int32_t ssat16(int32_t x)
{
    int32_t result;
    __asm("ssat %0, #16, %1" : "=r"(result) : "r"(x));
    return result;
}

/* Bytes 0 and 2 of x, sign-extended, as two halves. */
static inline uint32_t sxtb16(uint32_t x)
{
    uint32_t result;
    __asm("sxtb16 %0, %1" : "=r"(result) : "r"(x));
    return result;
}

/* Bytes 1 and 3 of x, likewise. */
static inline uint32_t sxtb16_ror8(uint32_t x)
{
    uint32_t result;
    __asm("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(x));
    return result;
}

/* The same bytes of x, added to the halves of a. */
static inline uint32_t sxtab16(uint32_t a, uint32_t x)
{
    uint32_t result;
    __asm("sxtab16 %0, %1, %2" : "=r"(result) : "r"(a), "r"(x));
    return result;
}

static inline uint32_t sxtab16_ror8(uint32_t a, uint32_t x)
{
    uint32_t result;
    __asm("sxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(a), "r"(x));
    return result;
}

/* The halves of a less those of b. */
static inline uint32_t ssub16(uint32_t a, uint32_t b)
{
    uint32_t result;
    __asm("ssub16 %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

/* c and the products of both halves of a and b */
static inline int32_t smlad(uint32_t a, uint32_t b, int32_t c)
{
    int32_t result;
    __asm("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
}

/* The same for 64 bits. */
static inline int64_t smlald(uint32_t a, uint32_t b, int64_t c)
{
    __asm("smlald %Q0, %R0, %1, %2" : "+r"(c) : "r"(a), "r"(b));
    return c;
}

/* c + a * b / 2^16, rounded down, of the low half of b */
static inline int32_t smlawb(int32_t a, uint32_t b, int32_t c)
{
    int32_t result;
    __asm("smlawb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
}

/* Likewise of the high half. */
static inline int32_t smlawt(int32_t a, uint32_t b, int32_t c)
{
    int32_t result;
    __asm("smlawt %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
}

/* The low halves of a and b, that of a below. */
static inline uint32_t low_halves(uint32_t a, uint32_t b)
{
    uint32_t result;
    __asm("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

/* The high halves of a and b, that of a below. */
static inline uint32_t high_halves(uint32_t a, uint32_t b)
{
    uint32_t result;
    __asm("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(b), "r"(a));
    return result;
}

#endif
