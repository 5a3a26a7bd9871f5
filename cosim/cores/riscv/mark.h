/* A mark at which the plugin counting/count.c notes the number of executed instructions, itself one instruction; and the stack. */
#ifndef TAPEOUT_MARK_H
#define TAPEOUT_MARK_H

#include <stdint.h>

/* A hint that does nothing on any core; is_mark() of decode.h knows it. */
static inline void mark(void)
{
    __asm volatile("slti zero, zero, 1" ::: "memory");
}

static inline volatile uint32_t *stack_pointer(void)
{
    volatile uint32_t *top;
    __asm volatile("mv %0, sp" : "=r"(top));
    return top;
}

#endif
