/* max_pool2d on a cluster: each core takes its part of the channels. */
#ifndef TAPEOUT_MAX_POOL2D_CLUSTER_H
#define TAPEOUT_MAX_POOL2D_CLUSTER_H

#include "max_pool2d.h"
#include "cluster.h"

typedef max_pool2d_s8_params max_pool2d_s8_cluster_params;

static inline void max_pool2d_s8_cluster(const max_pool2d_s8_params *p, const int8_t *x, int8_t *y)
{
    const cluster_range part = cluster_slice(p->window.in_c, 1);
    max_pool2d_s8_params mine = *p;
    mine.window.in_c = part.end - part.begin;
    max_pool2d_s8(&mine, x + part.begin, y + part.begin);
}

typedef max_pool2d_f32_params max_pool2d_f32_cluster_params;

static inline void max_pool2d_f32_cluster(const max_pool2d_f32_params *p, const float *x, float *y)
{
    const cluster_range part = cluster_slice(p->window.in_c, 1);
    max_pool2d_f32_params mine = *p;
    mine.window.in_c = part.end - part.begin;
    max_pool2d_f32(&mine, x + part.begin, y + part.begin);
}

typedef max_pool2d_f16_params max_pool2d_f16_cluster_params;

static inline void max_pool2d_f16_cluster(const max_pool2d_f16_params *p, const uint16_t *x, uint16_t *y)
{
    const cluster_range part = cluster_slice(p->window.in_c, 1);
    max_pool2d_f16_params mine = *p;
    mine.window.in_c = part.end - part.begin;
    max_pool2d_f16(&mine, x + part.begin, y + part.begin);
}

typedef max_pool2d_bf16_params max_pool2d_bf16_cluster_params;

static inline void max_pool2d_bf16_cluster(const max_pool2d_bf16_params *p, const uint16_t *x, uint16_t *y)
{
    const cluster_range part = cluster_slice(p->window.in_c, 1);
    max_pool2d_bf16_params mine = *p;
    mine.window.in_c = part.end - part.begin;
    max_pool2d_bf16(&mine, x + part.begin, y + part.begin);
}

#endif
