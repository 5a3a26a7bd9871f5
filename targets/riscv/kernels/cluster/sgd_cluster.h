/* sgd on a cluster: each core updates its part of the weights. */
#ifndef TAPEOUT_SGD_CLUSTER_H
#define TAPEOUT_SGD_CLUSTER_H

#include "sgd.h"
#include "cluster.h"

typedef sgd_f32_params sgd_f32_cluster_params;

static inline void sgd_f32_cluster(const sgd_f32_params *p, const float *w, const float *g, const float *v, const int32_t *n, float *next)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    sgd_f32_params mine = *p;
    mine.size = part.end - part.begin;
    sgd_f32(&mine, w + part.begin, g + part.begin, v, n, next + part.begin);
}

typedef sgd_f32_momentum_params sgd_f32_momentum_cluster_params;

static inline void sgd_f32_momentum_cluster(const sgd_f32_momentum_params *p, const float *w, const float *g, const float *v,
                                            const int32_t *n, float *next, float *next_v)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    sgd_f32_momentum_params mine = *p;
    mine.size = part.end - part.begin;
    sgd_f32_momentum(&mine, w + part.begin, g + part.begin, v + part.begin, n, next + part.begin, next_v + part.begin);
}

typedef sgd_f16_params sgd_f16_cluster_params;

static inline void sgd_f16_cluster(const sgd_f16_params *p, const uint16_t *w, const uint16_t *g, const uint16_t *v, const int32_t *n,
                                   uint16_t *next)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    sgd_f16_params mine = *p;
    mine.size = part.end - part.begin;
    sgd_f16(&mine, w + part.begin, g + part.begin, v, n, next + part.begin);
}

typedef sgd_f16_momentum_params sgd_f16_momentum_cluster_params;

static inline void sgd_f16_momentum_cluster(const sgd_f16_momentum_params *p, const uint16_t *w, const uint16_t *g, const uint16_t *v,
                                            const int32_t *n, uint16_t *next, uint16_t *next_v)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    sgd_f16_momentum_params mine = *p;
    mine.size = part.end - part.begin;
    sgd_f16_momentum(&mine, w + part.begin, g + part.begin, v + part.begin, n, next + part.begin, next_v + part.begin);
}

typedef sgd_bf16_params sgd_bf16_cluster_params;

static inline void sgd_bf16_cluster(const sgd_bf16_params *p, const uint16_t *w, const uint16_t *g, const uint16_t *v, const int32_t *n,
                                    uint16_t *next)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    sgd_bf16_params mine = *p;
    mine.size = part.end - part.begin;
    sgd_bf16(&mine, w + part.begin, g + part.begin, v, n, next + part.begin);
}

typedef sgd_bf16_momentum_params sgd_bf16_momentum_cluster_params;

static inline void sgd_bf16_momentum_cluster(const sgd_bf16_momentum_params *p, const uint16_t *w, const uint16_t *g, const uint16_t *v,
                                             const int32_t *n, uint16_t *next, uint16_t *next_v)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    sgd_bf16_momentum_params mine = *p;
    mine.size = part.end - part.begin;
    sgd_bf16_momentum(&mine, w + part.begin, g + part.begin, v + part.begin, n, next + part.begin, next_v + part.begin);
}

typedef sgd_f16_f32_params sgd_f16_f32_cluster_params;

static inline void sgd_f16_f32_cluster(const sgd_f16_f32_params *p, const float *w, const uint16_t *g, const float *v, const int32_t *n,
                                       float *next)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    sgd_f16_f32_params mine = *p;
    mine.size = part.end - part.begin;
    sgd_f16_f32(&mine, w + part.begin, g + part.begin, v, n, next + part.begin);
}

typedef sgd_f16_f32_momentum_params sgd_f16_f32_momentum_cluster_params;

static inline void sgd_f16_f32_momentum_cluster(const sgd_f16_f32_momentum_params *p, const float *w, const uint16_t *g, const float *v,
                                                const int32_t *n, float *next, float *next_v)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    sgd_f16_f32_momentum_params mine = *p;
    mine.size = part.end - part.begin;
    sgd_f16_f32_momentum(&mine, w + part.begin, g + part.begin, v + part.begin, n, next + part.begin, next_v + part.begin);
}

typedef sgd_bf16_f32_params sgd_bf16_f32_cluster_params;

static inline void sgd_bf16_f32_cluster(const sgd_bf16_f32_params *p, const float *w, const uint16_t *g, const float *v,
                                        const int32_t *n, float *next)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    sgd_bf16_f32_params mine = *p;
    mine.size = part.end - part.begin;
    sgd_bf16_f32(&mine, w + part.begin, g + part.begin, v, n, next + part.begin);
}

typedef sgd_bf16_f32_momentum_params sgd_bf16_f32_momentum_cluster_params;

static inline void sgd_bf16_f32_momentum_cluster(const sgd_bf16_f32_momentum_params *p, const float *w, const uint16_t *g,
                                                 const float *v, const int32_t *n, float *next, float *next_v)
{
    const cluster_range part = cluster_slice(p->size, CLUSTER_STEP);
    sgd_bf16_f32_momentum_params mine = *p;
    mine.size = part.end - part.begin;
    sgd_bf16_f32_momentum(&mine, w + part.begin, g + part.begin, v + part.begin, n, next + part.begin, next_v + part.begin);
}

#endif
