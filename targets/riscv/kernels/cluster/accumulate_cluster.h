/* accumulate on a cluster: each core adds its part of the elements. */
#ifndef TAPEOUT_ACCUMULATE_CLUSTER_H
#define TAPEOUT_ACCUMULATE_CLUSTER_H

#include "accumulate.h"
#include "cluster.h"

typedef accumulate_f32_params accumulate_f32_cluster_params;

static inline void accumulate_f32_cluster(const accumulate_f32_params *p, const float *a, const float *g, const int32_t *n, float *next)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    accumulate_f32_params mine = *p;
    mine.size = part.end - part.begin;
    accumulate_f32(&mine, a + part.begin, g + part.begin, n, next + part.begin);
}

typedef accumulate_f16_params accumulate_f16_cluster_params;

static inline void accumulate_f16_cluster(const accumulate_f16_params *p, const uint16_t *a, const uint16_t *g, const int32_t *n,
                                          uint16_t *next)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    accumulate_f16_params mine = *p;
    mine.size = part.end - part.begin;
    accumulate_f16(&mine, a + part.begin, g + part.begin, n, next + part.begin);
}

typedef accumulate_bf16_params accumulate_bf16_cluster_params;

static inline void accumulate_bf16_cluster(const accumulate_bf16_params *p, const uint16_t *a, const uint16_t *g, const int32_t *n,
                                           uint16_t *next)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    accumulate_bf16_params mine = *p;
    mine.size = part.end - part.begin;
    accumulate_bf16(&mine, a + part.begin, g + part.begin, n, next + part.begin);
}

typedef accumulate_f16_f32_params accumulate_f16_f32_cluster_params;

static inline void accumulate_f16_f32_cluster(const accumulate_f16_f32_params *p, const float *a, const uint16_t *g, const int32_t *n,
                                              float *next)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    accumulate_f16_f32_params mine = *p;
    mine.size = part.end - part.begin;
    accumulate_f16_f32(&mine, a + part.begin, g + part.begin, n, next + part.begin);
}

typedef accumulate_bf16_f32_params accumulate_bf16_f32_cluster_params;

static inline void accumulate_bf16_f32_cluster(const accumulate_bf16_f32_params *p, const float *a, const uint16_t *g, const int32_t *n,
                                               float *next)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    accumulate_bf16_f32_params mine = *p;
    mine.size = part.end - part.begin;
    accumulate_bf16_f32(&mine, a + part.begin, g + part.begin, n, next + part.begin);
}

#endif
