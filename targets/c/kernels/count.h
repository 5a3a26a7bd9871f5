/* count: the number of a call in its batch. Portable. The definition is compiler/ops/count.py. */
#ifndef TAPEOUT_COUNT_H
#define TAPEOUT_COUNT_H

#include <stdint.h>

typedef struct {
    int32_t batch;
} count_s32_params;

/* n and next one element; next may be n */
static inline void count_s32(const count_s32_params *p, const int32_t *n, int32_t *next)
{
    *next = *n + 1 < p->batch ? *n + 1 : 0;
}

#endif
