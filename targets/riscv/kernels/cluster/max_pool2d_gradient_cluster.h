/* max_pool2d_gradient on a cluster: each core takes its part of the channels. */
#ifndef TAPEOUT_MAX_POOL2D_GRADIENT_CLUSTER_H
#define TAPEOUT_MAX_POOL2D_GRADIENT_CLUSTER_H

#include "max_pool2d_gradient.h"
#include "cluster.h"

typedef max_pool2d_gradient_f32_params max_pool2d_gradient_f32_cluster_params;

static inline void max_pool2d_gradient_f32_cluster(const max_pool2d_gradient_f32_params *p, const float *x, const float *g, float *dx)
{
    const cluster_range part = cluster_slice(p->window.in_c, 1);
    max_pool2d_gradient_f32_params mine = *p;
    mine.window.in_c = part.end - part.begin;
    max_pool2d_gradient_f32(&mine, x + part.begin, g + part.begin, dx + part.begin);
}

#endif
