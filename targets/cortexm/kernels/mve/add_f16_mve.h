/* add of f16 on Helium: eight sums at a time; see helium_f16.h. The sum of two f16 numbers is rounded to f16 at once, which gives the bits
 * of a sum in float that is rounded once more. */
#ifndef TAPEOUT_ADD_F16_MVE_H
#define TAPEOUT_ADD_F16_MVE_H

#include "helium_f16.h"

typedef struct {
    int32_t size;
    helium_f16_end end;
} add_f16_mve_params;

static inline void add_f16_mve(const add_f16_mve_params *, const uint16_t *, const uint16_t *, uint16_t *)
    __attribute__((always_inline)); /* so that the parameters are constants of the assembly */

/* x, y and out hold size elements; out may be x or y. */
static inline void add_f16_mve(const add_f16_mve_params *p, const uint16_t *x, const uint16_t *y, uint16_t *out)
{
    __asm volatile(HELIUM_F16_ON HELIUM_F16_BOUNDS
                   "wlstp.16 lr, %[size], 2f\n"
                   "1: vldrh.u16 q0, [%[x]], #16\n"
                   "vldrh.u16 q1, [%[y]], #16\n"
                   "vadd.f16 q0, q0, q1\n" HELIUM_F16_CLIP("q0")
                   "vstrh.16 q0, [%[out]], #16\n"
                   "letp lr, 1b\n"
                   "2:\n"
                   : [x] "+r"(x), [y] "+r"(y), [out] "+r"(out)
                   : HELIUM_F16_END(p->end), [size] "r"(p->size)
                   : "r0", "lr", "memory", "q0", "q1", "q6", "q7", "p0");
}

#endif
