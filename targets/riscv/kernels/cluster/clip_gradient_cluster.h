/* clip_gradient on a cluster: each core takes its part of the elements. */
#ifndef TAPEOUT_CLIP_GRADIENT_CLUSTER_H
#define TAPEOUT_CLIP_GRADIENT_CLUSTER_H

#include "clip_gradient.h"
#include "cluster.h"

typedef clip_gradient_f32_params clip_gradient_f32_cluster_params;

static inline void clip_gradient_f32_cluster(const clip_gradient_f32_params *p, const float *y, const float *g,
                                             float *dx)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    clip_gradient_f32_params mine = *p;
    mine.size = part.end - part.begin;
    clip_gradient_f32(&mine, y + part.begin, g + part.begin, dx + part.begin);
}

typedef clip_gradient_f16_params clip_gradient_f16_cluster_params;

static inline void clip_gradient_f16_cluster(const clip_gradient_f16_params *p, const uint16_t *y, const uint16_t *g,
                                             uint16_t *dx)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    clip_gradient_f16_params mine = *p;
    mine.size = part.end - part.begin;
    clip_gradient_f16(&mine, y + part.begin, g + part.begin, dx + part.begin);
}

typedef clip_gradient_bf16_params clip_gradient_bf16_cluster_params;

static inline void clip_gradient_bf16_cluster(const clip_gradient_bf16_params *p, const uint16_t *y,
                                              const uint16_t *g, uint16_t *dx)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    clip_gradient_bf16_params mine = *p;
    mine.size = part.end - part.begin;
    clip_gradient_bf16(&mine, y + part.begin, g + part.begin, dx + part.begin);
}

#endif
