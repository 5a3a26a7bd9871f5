/* A mark at which the plugin counting/count.c notes the number of executed instructions, itself one instruction; and the stack. */
#ifndef TAPEOUT_MARK_H
#define TAPEOUT_MARK_H

#include <stdint.h>

/* A hint that does nothing on any core of the M profile; is_mark() of decode.h knows it. */
static inline void mark(void)
{
    __asm volatile(".inst.n 0xbfd0" ::: "memory");
}

static inline volatile uint32_t *stack_pointer(void)
{
    volatile uint32_t *top;
    __asm volatile("mov %0, sp" : "=r"(top));
    return top;
}

#endif
