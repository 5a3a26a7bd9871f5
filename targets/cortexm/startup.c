/* Start of a bare Cortex-M of any architecture, Armv6-M to Armv8.1-M: the vector table, the initial values of
 * memory, the floating-point unit. Needs the symbols of memory.ld. Sets no clock: a board starts on its slow one. */
#include <stdint.h>

extern uint32_t stack_top, data_load, data_start, data_end, bss_start, bss_end;

int main(void);
void Reset_Handler(void);
void fault(uint32_t address);

/* Called for every exception that we do not expect, with the address of the instruction that caused it.
 * A program may define its own. */
__attribute__((weak)) void fault(uint32_t address)
{
    (void)address;
    for (;;) {
    }
}

__attribute__((naked)) static void Fault_Handler(void)
{
    /* Of the eight words that the core has pushed, r0 to r3, r12, lr, pc and xPSR, the seventh.
     * By a register: a branch of Armv6-M reaches 2 KiB only. */
    __asm volatile("ldr r0, [sp, #24]\n"
                   "ldr r1, =fault\n"
                   "bx r1\n"
                   ".ltorg");
}

static void enable_floats(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: full access to coprocessors 10 and 11 */
    __asm volatile("dsb\nisb" ::: "memory");
#endif
#if defined(__ARM_FEATURE_MVE)
    /* FPSCR.LTPSIZE = 4: vector instructions work on whole vectors outside of tail-predicated loops. */
    __asm volatile("vmrs r0, fpscr\n"
                   "bic r0, r0, #0x70000\n"
                   "orr r0, r0, #0x40000\n"
                   "vmsr fpscr, r0" ::: "r0");
#endif
}

__attribute__((noreturn)) void Reset_Handler(void)
{
    const uint32_t *from = &data_load;
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

typedef union {
    uint32_t *stack;
    void (*handler)(void);
} vector;

__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    {.stack = &stack_top},
    {.handler = Reset_Handler},
    {.handler = Fault_Handler}, /* NMI */
    {.handler = Fault_Handler}, /* HardFault */
    {.handler = Fault_Handler}, /* MemManage */
    {.handler = Fault_Handler}, /* BusFault */
    {.handler = Fault_Handler}, /* UsageFault */
    {.handler = Fault_Handler}, /* SecureFault */
    {0}, {0}, {0},
    {.handler = Fault_Handler}, /* SVCall */
    {.handler = Fault_Handler}, /* DebugMonitor */
    {0},
    {.handler = Fault_Handler}, /* PendSV */
    {.handler = Fault_Handler}, /* SysTick */
};
