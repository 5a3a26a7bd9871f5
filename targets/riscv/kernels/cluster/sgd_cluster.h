/* sgd on a cluster: each core updates its part of the weights. */
#ifndef TAPEOUT_SGD_CLUSTER_H
#define TAPEOUT_SGD_CLUSTER_H

#include "sgd.h"
#include "cluster.h"

typedef sgd_f32_params sgd_f32_cluster_params;

static inline void sgd_f32_cluster(const sgd_f32_params *p, const float *w, const float *g, const float *v, float *next)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    sgd_f32_params mine = *p;
    mine.size = part.end - part.begin;
    sgd_f32(&mine, w + part.begin, g + part.begin, v, next + part.begin);
}

typedef sgd_f32_momentum_params sgd_f32_momentum_cluster_params;

static inline void sgd_f32_momentum_cluster(const sgd_f32_momentum_params *p, const float *w, const float *g, const float *v, float *next, float *next_v)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    sgd_f32_momentum_params mine = *p;
    mine.size = part.end - part.begin;
    sgd_f32_momentum(&mine, w + part.begin, g + part.begin, v + part.begin, next + part.begin, next_v + part.begin);
}

#endif
