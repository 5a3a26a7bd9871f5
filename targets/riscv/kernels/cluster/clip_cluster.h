/* clip on a cluster: each core bounds its part of the elements. */
#ifndef TAPEOUT_CLIP_CLUSTER_H
#define TAPEOUT_CLIP_CLUSTER_H

#include "clip.h"
#include "cluster.h"

typedef clip_s8_params clip_s8_cluster_params;

static inline void clip_s8_cluster(const clip_s8_params *p, const int8_t *x, int8_t *y)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    clip_s8_params mine = *p;
    mine.size = part.end - part.begin;
    clip_s8(&mine, x + part.begin, y + part.begin);
}

typedef clip_f32_params clip_f32_cluster_params;

static inline void clip_f32_cluster(const clip_f32_params *p, const float *x, float *y)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    clip_f32_params mine = *p;
    mine.size = part.end - part.begin;
    clip_f32(&mine, x + part.begin, y + part.begin);
}

typedef clip_f16_params clip_f16_cluster_params;

static inline void clip_f16_cluster(const clip_f16_params *p, const uint16_t *x, uint16_t *y)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    clip_f16_params mine = *p;
    mine.size = part.end - part.begin;
    clip_f16(&mine, x + part.begin, y + part.begin);
}

typedef clip_bf16_params clip_bf16_cluster_params;

static inline void clip_bf16_cluster(const clip_bf16_params *p, const uint16_t *x, uint16_t *y)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    clip_bf16_params mine = *p;
    mine.size = part.end - part.begin;
    clip_bf16(&mine, x + part.begin, y + part.begin);
}

#endif
