/* What compilers call by themselves of a C library, for a toolchain that has none. Words where both addresses allow it. */
#include <stdint.h>
#include <string.h>

/* Keeps the compiler from making of a loop a call of the function that the loop is in. */
#define NO_CALL __attribute__((no_builtin))

typedef uint32_t __attribute__((may_alias)) word;

NO_CALL void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if ((((uintptr_t)out | (uintptr_t)in) & 3u) == 0) {
        for (; count >= 4; count -= 4, out += 4, in += 4) {
            *(word *)(void *)out = *(const word *)(const void *)in;
        }
    }
    for (; count > 0; count--) {
        *out++ = *in++;
    }
    return to;
}

NO_CALL void *memmove(void *to, const void *from, size_t count)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if ((uintptr_t)out - (uintptr_t)in >= count) { /* not from within the source, so forward is safe */
        return memcpy(to, from, count);
    }
    while (count > 0) {
        count--;
        out[count] = in[count];
    }
    return to;
}

NO_CALL void *memset(void *to, int value, size_t count)
{
    uint8_t *out = to;
    const uint32_t bytes = (uint8_t)value * 0x01010101u;
    for (; count > 0 && ((uintptr_t)out & 3u) != 0; count--) {
        *out++ = (uint8_t)value;
    }
    for (; count >= 4; count -= 4, out += 4) {
        *(word *)(void *)out = bytes;
    }
    for (; count > 0; count--) {
        *out++ = (uint8_t)value;
    }
    return to;
}
