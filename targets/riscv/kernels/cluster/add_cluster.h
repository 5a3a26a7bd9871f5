/* add on a cluster: each core adds its part of the elements, which lie along one axis. */
#ifndef TAPEOUT_ADD_CLUSTER_H
#define TAPEOUT_ADD_CLUSTER_H

#include "add.h"
#include "cluster.h"

typedef add_s8_params add_s8_cluster_params;

static inline void add_s8_cluster(const add_s8_params *p, const int8_t *x, const int8_t *y, int8_t *out)
{
    const cluster_range part = cluster_slice(p->shape[4], CLUSTER_STEP);
    add_s8_params mine = *p;
    mine.shape[4] = part.end - part.begin;
    add_s8(&mine, x + part.begin * p->x_stride[4], y + part.begin * p->y_stride[4], out + part.begin);
}

typedef add_f32_params add_f32_cluster_params;

static inline void add_f32_cluster(const add_f32_params *p, const float *x, const float *y, float *out)
{
    const cluster_range part = cluster_slice(p->shape[4], CLUSTER_STEP);
    add_f32_params mine = *p;
    mine.shape[4] = part.end - part.begin;
    add_f32(&mine, x + part.begin * p->x_stride[4], y + part.begin * p->y_stride[4], out + part.begin);
}

typedef add_f16_params add_f16_cluster_params;

static inline void add_f16_cluster(const add_f16_params *p, const uint16_t *x, const uint16_t *y, uint16_t *out)
{
    const cluster_range part = cluster_slice(p->shape[4], CLUSTER_STEP);
    add_f16_params mine = *p;
    mine.shape[4] = part.end - part.begin;
    add_f16(&mine, x + part.begin * p->x_stride[4], y + part.begin * p->y_stride[4], out + part.begin);
}

typedef add_bf16_params add_bf16_cluster_params;

static inline void add_bf16_cluster(const add_bf16_params *p, const uint16_t *x, const uint16_t *y, uint16_t *out)
{
    const cluster_range part = cluster_slice(p->shape[4], CLUSTER_STEP);
    add_bf16_params mine = *p;
    mine.shape[4] = part.end - part.begin;
    add_bf16(&mine, x + part.begin * p->x_stride[4], y + part.begin * p->y_stride[4], out + part.begin);
}

#endif
