/* sgd: a step of stochastic gradient descent. Portable. The definition is compiler/ops/sgd.py. */
#ifndef TAPEOUT_SGD_H
#define TAPEOUT_SGD_H

#include "f16.h"
#include <stddef.h>

typedef struct {
    int32_t size;
    float learning_rate, weight_decay, scale;
    int32_t batch; /* calls that share an update, if there is n */
} sgd_f32_params;

/* The gradient of a weight, and of half its square times the decay. */
static inline float decayed(float g, float scale, float weight_decay, float w)
{
    return weight_decay == 0.0f ? g * scale : g * scale + weight_decay * w;
}

/* Whether this call, number n of its batch, is one that leaves weights as they are. */
static inline int32_t within_batch(int32_t batch, const int32_t *n)
{
    return n && *n + 1 < batch;
}

/* Leaves weights as they are, which lie elsewhere than the next ones in graphs without states. */
static inline void keep(const void *w, int32_t size, float_format format, void *next)
{
    if (next != w) {
        memcpy(next, w, (size_t)size * (format == FORMAT_F32 ? sizeof(float) : sizeof(uint16_t)));
    }
}

/* w, g and next size elements, next may be w; n NULL where each call updates; there is no velocity */
static inline void sgd_floats(const sgd_f32_params *p, float_format from, float_format format, const void *w, const void *g,
                              const int32_t *n, void *next)
{
    if (within_batch(p->batch, n)) {
        keep(w, p->size, format, next);
        return;
    }
    for (int32_t i = 0; i < p->size; i++) {
        const float weight = load_float(w, i, format);
        store_float(next, i, format, weight - p->learning_rate * decayed(load_float(g, i, from), p->scale, p->weight_decay, weight));
    }
}

typedef struct {
    int32_t size;
    float learning_rate, weight_decay, scale;
    int32_t batch;
    float momentum;
} sgd_f32_momentum_params;

/* As above, with velocities v; next may be w, next_v may be v */
static inline void sgd_momentum_floats(const sgd_f32_momentum_params *p, float_format from, float_format format, const void *w, const void *g,
                                       const void *v, const int32_t *n, void *next, void *next_v)
{
    if (within_batch(p->batch, n)) {
        keep(w, p->size, format, next);
        keep(v, p->size, format, next_v);
        return;
    }
    for (int32_t i = 0; i < p->size; i++) {
        const float weight = load_float(w, i, format);
        const float step = p->momentum * load_float(v, i, format) + decayed(load_float(g, i, from), p->scale, p->weight_decay, weight);
        store_float(next_v, i, format, step);
        store_float(next, i, format, weight - p->learning_rate * step);
    }
}

typedef sgd_f32_params sgd_f16_params;
typedef sgd_f32_momentum_params sgd_f16_momentum_params;
typedef sgd_f32_params sgd_bf16_params;
typedef sgd_f32_momentum_params sgd_bf16_momentum_params;
typedef sgd_f32_params sgd_f16_f32_params;
typedef sgd_f32_momentum_params sgd_f16_f32_momentum_params;
typedef sgd_f32_params sgd_bf16_f32_params;
typedef sgd_f32_momentum_params sgd_bf16_f32_momentum_params;

static inline void sgd_f32(const sgd_f32_params *p, const float *w, const float *g, const float *v, const int32_t *n, float *next)
{
    (void)v;
    sgd_floats(p, FORMAT_F32, FORMAT_F32, w, g, n, next);
}

static inline void sgd_f32_momentum(const sgd_f32_momentum_params *p, const float *w, const float *g, const float *v,
                                    const int32_t *n, float *next, float *next_v)
{
    sgd_momentum_floats(p, FORMAT_F32, FORMAT_F32, w, g, v, n, next, next_v);
}

static inline void sgd_f16(const sgd_f16_params *p, const uint16_t *w, const uint16_t *g, const uint16_t *v,
                           const int32_t *n, uint16_t *next)
{
    (void)v;
    sgd_floats(p, FORMAT_F16, FORMAT_F16, w, g, n, next);
}

static inline void sgd_f16_momentum(const sgd_f16_momentum_params *p, const uint16_t *w, const uint16_t *g, const uint16_t *v,
                                    const int32_t *n, uint16_t *next, uint16_t *next_v)
{
    sgd_momentum_floats(p, FORMAT_F16, FORMAT_F16, w, g, v, n, next, next_v);
}

static inline void sgd_bf16(const sgd_bf16_params *p, const uint16_t *w, const uint16_t *g, const uint16_t *v,
                            const int32_t *n, uint16_t *next)
{
    (void)v;
    sgd_floats(p, FORMAT_BF16, FORMAT_BF16, w, g, n, next);
}

static inline void sgd_bf16_momentum(const sgd_bf16_momentum_params *p, const uint16_t *w, const uint16_t *g, const uint16_t *v,
                                     const int32_t *n, uint16_t *next, uint16_t *next_v)
{
    sgd_momentum_floats(p, FORMAT_BF16, FORMAT_BF16, w, g, v, n, next, next_v);
}

static inline void sgd_f16_f32(const sgd_f16_f32_params *p, const float *w, const uint16_t *g, const float *v,
                               const int32_t *n, float *next)
{
    (void)v;
    sgd_floats(p, FORMAT_F16, FORMAT_F32, w, g, n, next);
}

static inline void sgd_f16_f32_momentum(const sgd_f16_f32_momentum_params *p, const float *w, const uint16_t *g, const float *v,
                                        const int32_t *n, float *next, float *next_v)
{
    sgd_momentum_floats(p, FORMAT_F16, FORMAT_F32, w, g, v, n, next, next_v);
}

static inline void sgd_bf16_f32(const sgd_bf16_f32_params *p, const float *w, const uint16_t *g, const float *v,
                                const int32_t *n, float *next)
{
    (void)v;
    sgd_floats(p, FORMAT_BF16, FORMAT_F32, w, g, n, next);
}

static inline void sgd_bf16_f32_momentum(const sgd_bf16_f32_momentum_params *p, const float *w, const uint16_t *g, const float *v,
                                         const int32_t *n, float *next, float *next_v)
{
    sgd_momentum_floats(p, FORMAT_BF16, FORMAT_F32, w, g, v, n, next, next_v);
}

#endif
