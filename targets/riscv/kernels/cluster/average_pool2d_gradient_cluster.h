/* average_pool2d_gradient on a cluster: each core takes its part of the channels. */
#ifndef TAPEOUT_AVERAGE_POOL2D_GRADIENT_CLUSTER_H
#define TAPEOUT_AVERAGE_POOL2D_GRADIENT_CLUSTER_H

#include "average_pool2d_gradient.h"
#include "cluster.h"

typedef average_pool2d_gradient_f32_params average_pool2d_gradient_f32_cluster_params;

static inline void average_pool2d_gradient_f32_cluster(const average_pool2d_gradient_f32_params *p, const float *g, float *dx)
{
    const cluster_range part = cluster_slice(p->window.in_c, 1);
    average_pool2d_gradient_f32_params mine = *p;
    mine.window.in_c = part.end - part.begin;
    average_pool2d_gradient_f32(&mine, g + part.begin, dx + part.begin);
}

#endif
