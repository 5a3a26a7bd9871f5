/* bias_gradient on a cluster: each core sums its part of the channels. */
#ifndef TAPEOUT_BIAS_GRADIENT_CLUSTER_H
#define TAPEOUT_BIAS_GRADIENT_CLUSTER_H

#include "bias_gradient.h"
#include "cluster.h"

typedef bias_gradient_f32_params bias_gradient_f32_cluster_params;

static inline void bias_gradient_f32_cluster(const bias_gradient_f32_params *p, const float *g, float *db)
{
    const cluster_range part = cluster_slice(p->channels, 1);
    for (int32_t c = part.begin; c < part.end; c++) {
        float sum = 0.0f;
        for (int32_t row = 0; row < p->rows; row++) {
            sum += g[row * p->channels + c];
        }
        db[c] = sum;
    }
}

#endif
