/* cast on a cluster: each core converts its part of the elements. */
#ifndef TAPEOUT_CAST_CLUSTER_H
#define TAPEOUT_CAST_CLUSTER_H

#include "cast.h"
#include "cluster.h"

typedef cast_f32_f16_params cast_f32_f16_cluster_params;

static inline void cast_f32_f16_cluster(const cast_f32_f16_params *p, const float *x, uint16_t *y)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    cast_f32_f16_params mine = *p;
    mine.size = part.end - part.begin;
    cast_f32_f16(&mine, x + part.begin, y + part.begin);
}

typedef cast_f16_f32_params cast_f16_f32_cluster_params;

static inline void cast_f16_f32_cluster(const cast_f16_f32_params *p, const uint16_t *x, float *y)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    cast_f16_f32_params mine = *p;
    mine.size = part.end - part.begin;
    cast_f16_f32(&mine, x + part.begin, y + part.begin);
}

typedef cast_f32_bf16_params cast_f32_bf16_cluster_params;

static inline void cast_f32_bf16_cluster(const cast_f32_bf16_params *p, const float *x, uint16_t *y)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    cast_f32_bf16_params mine = *p;
    mine.size = part.end - part.begin;
    cast_f32_bf16(&mine, x + part.begin, y + part.begin);
}

typedef cast_bf16_f32_params cast_bf16_f32_cluster_params;

static inline void cast_bf16_f32_cluster(const cast_bf16_f32_params *p, const uint16_t *x, float *y)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    cast_bf16_f32_params mine = *p;
    mine.size = part.end - part.begin;
    cast_bf16_f32(&mine, x + part.begin, y + part.begin);
}

#endif
