/* sgd: a step of stochastic gradient descent. Portable. The definition is compiler/ops/sgd.py. */
#ifndef TAPEOUT_SGD_H
#define TAPEOUT_SGD_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int32_t size;
    float learning_rate, weight_decay;
} sgd_f32_params;

/* The gradient of a weight and of half its square times the decay. */
static inline float decayed(float g, float weight_decay, float w)
{
    return weight_decay == 0.0f ? g : g + weight_decay * w;
}

/* w, g and next size elements, next may be w; there is no velocity */
static inline void sgd_f32(const sgd_f32_params *p, const float *w, const float *g, const float *v, float *next)
{
    (void)v;
    for (int32_t i = 0; i < p->size; i++) {
        next[i] = w[i] - p->learning_rate * decayed(g[i], p->weight_decay, w[i]);
    }
}

typedef struct {
    int32_t size;
    float learning_rate, weight_decay, momentum;
} sgd_f32_momentum_params;

/* As above, with velocities v; next may be w, next_v may be v */
static inline void sgd_f32_momentum(const sgd_f32_momentum_params *p, const float *w, const float *g, const float *v, float *next, float *next_v)
{
    for (int32_t i = 0; i < p->size; i++) {
        const float step = p->momentum * v[i] + decayed(g[i], p->weight_decay, w[i]);
        next_v[i] = step;
        next[i] = w[i] - p->learning_rate * step;
    }
}

#endif
