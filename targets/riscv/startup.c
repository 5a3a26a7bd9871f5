/* Start of a bare RISC-V core of 32 bits: the stack, the initial values of memory, traps, the units of floats and vectors. Needs the
 * symbols of memory.ld. Sets no clock: a board starts on its slow one. */
#include <stdint.h>

extern uint32_t data_load, data_start, data_end, bss_start, bss_end;

int main(void);
void reset(void);
void start(void);
void fault(uint32_t address);

/* Called for every trap, none of which we expect, with the address of the instruction that caused it. A program may define its own. */
__attribute__((weak)) void fault(uint32_t address)
{
    (void)address;
    for (;;) {
    }
}

/* Cores may ask more of mtvec than a multiple of 4: CV32E40P has 24 bits of it. */
__attribute__((naked, aligned(256))) static void trap(void)
{
    __asm volatile("csrr a0, mepc\n"
                   "tail fault");
}

#if defined(__riscv_v_elen)
#define ENABLE_VECTORS "li t0, 1 << 9\ncsrs mstatus, t0\n" /* VS: initial; the compiler makes vectors of any loop of C */
#else
#define ENABLE_VECTORS
#endif

/* memory.ld puts it first. */
__attribute__((naked, used, section(".start"))) void reset(void)
{
    __asm volatile("la sp, stack_top\n" ENABLE_VECTORS
                   "tail start");
}

static void enable_floats(void)
{
#if defined(__riscv_flen)
    __asm volatile("csrs mstatus, %0" ::"r"(1u << 13)); /* FS: initial */
    __asm volatile("csrw fcsr, zero");
#endif
}

__attribute__((noreturn, used)) void start(void)
{
    const uint32_t *from = &data_load;
    __asm volatile("csrw mtvec, %0" ::"r"(trap));
    for (uint32_t *to = &data_start; to < &data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = &bss_start; to < &bss_end; to++) {
        *to = 0;
    }
    enable_floats();
    (void)main();
    for (;;) {
    }
}
