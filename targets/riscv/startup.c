/* Start of a bare RISC-V core of 32 bits: the stack, the initial values of memory, traps, the units of floats and vectors. Needs the
 * symbols of memory.ld. Sets no clock: a board starts on its slow one. */
#include <stdint.h>

extern uint32_t data_load, data_start, data_end, bss_start, bss_end;

enum { STACK = 8192 + 16 };

int main(void);
void reset(void);
void start(void);
void assist(void);
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

/* memory.ld puts it first. Of several cores each has STACK bytes, which are no multiple of a bank's turn, so that they meet in none. */
__attribute__((naked, used, section(".start"))) void reset(void)
{
    __asm volatile("la sp, stack_top\n" ENABLE_VECTORS
                   "csrr a0, mhartid\n"
                   "slli a0, a0, 16\n"
                   "srli a0, a0, 16\n"
                   "beqz a0, 1f\n"
                   "li t0, %0\n"
                   "mul t0, t0, a0\n"
                   "sub sp, sp, t0\n"
                   "tail assist\n"
                   "1: tail start" ::"i"(STACK));
}

#if defined(CLUSTER_TESTBENCH)
/* What all cores run between two barriers; the declarations of kernels/cluster.h, which sets them. */
extern void (*volatile cluster_entry)(void *);
extern void *volatile cluster_argument;
void (*volatile cluster_entry)(void *);
void *volatile cluster_argument;

static void wait_for_all(void)
{
    __asm volatile("lw zero, 8(%0)" ::"r"(0x10000000u) : "memory");
}
#endif

static void enable_floats(void)
{
#if defined(__riscv_flen)
    __asm volatile("csrs mstatus, %0" ::"r"(1u << 13)); /* FS: initial */
    __asm volatile("csrw fcsr, zero");
#endif
}

/* What cores other than 0 do. */
__attribute__((noreturn, used)) void assist(void)
{
    __asm volatile("csrw mtvec, %0" ::"r"(trap));
    enable_floats();
    for (;;) {
#if defined(CLUSTER_TESTBENCH)
        wait_for_all();
        cluster_entry(cluster_argument);
        wait_for_all();
#else
        __asm volatile("wfi");
#endif
    }
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
