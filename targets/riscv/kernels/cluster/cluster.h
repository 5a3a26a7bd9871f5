/* The port of a cluster of cores that share a memory. All cores run a network's function at once; a kernel for clusters computes its
 * core's slice of the outputs, and a barrier stands between two nodes.
 *
 * Three spellings: CLUSTER_TESTBENCH for the simulated cluster of cosim/rtl, CLUSTER_PMSIS for the interface of PULP's and GreenWaves'
 * clusters, and otherwise one core. */
#ifndef TAPEOUT_CLUSTER_H
#define TAPEOUT_CLUSTER_H

#include <stdint.h>

#if defined(CLUSTER_PMSIS)
#include <pmsis.h>

static inline int32_t cluster_core(void)
{
    return (int32_t)pi_core_id();
}

static inline int32_t cluster_cores(void)
{
    return (int32_t)pi_cl_team_nb_cores();
}

static inline void cluster_barrier(void)
{
    pi_cl_team_barrier(0);
}

/* Called on the cluster's master core; 0 stands for as many cores as the cluster has. */
static inline void cluster_fork(void (*entry)(void *), void *argument)
{
    pi_cl_team_fork(0, entry, argument);
}

#elif defined(CLUSTER_TESTBENCH)

/* What startup.c has the other cores run between two barriers. */
extern void (*volatile cluster_entry)(void *);
extern void *volatile cluster_argument;

/* Bits 0 to 15 of a core's identity are its number, those above one less than the number of cores; so QEMU's only core is one of one. */
static inline uint32_t cluster_identity(void)
{
    uint32_t identity;
    __asm("csrr %0, mhartid" : "=r"(identity));
    return identity;
}

static inline int32_t cluster_core(void)
{
    return (int32_t)(cluster_identity() & 0xFFFFu);
}

static inline int32_t cluster_cores(void)
{
    return (int32_t)(cluster_identity() >> 16) + 1;
}

/* A load of the test bench, which answers it when all cores have asked. */
static inline void cluster_barrier(void)
{
    if (cluster_cores() > 1) {
        __asm volatile("lw zero, 8(%0)" ::"r"(0x10000000u) : "memory");
    }
}

/* Called on core 0; returns when all cores have returned from `entry`. */
static inline void cluster_fork(void (*entry)(void *), void *argument)
{
    cluster_entry = entry;
    cluster_argument = argument;
    cluster_barrier();
    entry(argument);
    cluster_barrier();
}

#else

static inline int32_t cluster_core(void)
{
    return 0;
}

static inline int32_t cluster_cores(void)
{
    return 1;
}

static inline void cluster_barrier(void)
{
}

static inline void cluster_fork(void (*entry)(void *), void *argument)
{
    entry(argument);
}

#endif

/* Items `begin` to `end` - 1. */
typedef struct {
    int32_t begin, end;
} cluster_range;

/* The least part of elements that lie side by side, so that no two cores write to one word. */
enum { CLUSTER_STEP = 8 };

/* This core's part of `count` items, which begins at a multiple of `step`; it is empty (begin == end) where there are too few. */
static inline cluster_range cluster_slice(int32_t count, int32_t step)
{
    const int32_t core = cluster_core(), cores = cluster_cores();
    const int32_t steps = (count + step - 1) / step, each = steps / cores, more = steps % cores;
    const int32_t begin = (core * each + (core < more ? core : more)) * step;
    const int32_t end = begin + (core < more ? each + 1 : each) * step;
    return (cluster_range){begin < count ? begin : count, end < count ? end : count};
}

#endif
