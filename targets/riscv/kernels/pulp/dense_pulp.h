/* dense with fused sums on PULP's cores: each core its part of the outputs, the lanes of a register neighbouring ones. */
#ifndef TAPEOUT_DENSE_PULP_H
#define TAPEOUT_DENSE_PULP_H

#include "dense.h"
#include "pulp.h"

/* x, b and y as for dense_floats; t inputs x outputs. */
static inline void dense_pulp(const dense_f32_params *p, float_format format, const void *x, const void *t, const void *b, void *y)
{
    const int32_t bytes = pulp_bytes(format), words = 4 / bytes;
    const int32_t alone = p->rows < cluster_cores(); /* too few rows: cores share each one */
    const cluster_range rows = alone ? (cluster_range){0, p->rows} : cluster_slice(p->rows, 1);
    const cluster_range part = alone ? cluster_slice(p->outputs, 4 * words) : (cluster_range){0, p->outputs};
    for (int32_t row = rows.begin; row < rows.end; row++) {
        const pulp_products sums = {
            .x = (const uint8_t *)x + bytes * row * p->inputs, .w = (const uint8_t *)t + bytes * part.begin,
            .outer = 1, .inner = 1, .count = p->inputs, .x_step = bytes, .w_step = bytes * p->outputs,
        };
        const uint8_t *bias = b ? (const uint8_t *)b + bytes * part.begin : NULL;
        uint8_t *to = (uint8_t *)y + bytes * (row * p->outputs + part.begin);
        pulp_outputs(format, &sums, &(const pulp_result){bias, to, 1, p->lo, p->hi}, part.end - part.begin);
    }
}

typedef dense_f32_params dense_f32_fma_pulp_params;
typedef dense_f32_params dense_f16_fma_pulp_params;
typedef dense_f32_params dense_f32_fma_pulp_packed_params;
typedef dense_f32_params dense_f16_fma_pulp_packed_params;

/* For weights that change: t is scratch. */
static inline void dense_f16_fma_pulp(const dense_f32_params *p, const uint16_t *x, const uint16_t *w, const uint16_t *b, uint16_t *y, uint8_t *t)
{
    pulp_transpose(FORMAT_F16, w, p->outputs, p->inputs, t);
    dense_pulp(p, FORMAT_F16, x, t, b, y);
}

static inline void dense_f32_fma_pulp(const dense_f32_params *p, const float *x, const float *w, const float *b, float *y, uint8_t *t)
{
    pulp_transpose(FORMAT_F32, w, p->outputs, p->inputs, t);
    dense_pulp(p, FORMAT_F32, x, t, b, y);
}

static inline void dense_f16_fma_pulp_packed(const dense_f32_params *p, const uint16_t *x, const uint16_t *t, const uint16_t *b, uint16_t *y)
{
    dense_pulp(p, FORMAT_F16, x, t, b, y);
}

static inline void dense_f32_fma_pulp_packed(const dense_f32_params *p, const float *x, const float *t, const float *b, float *y)
{
    dense_pulp(p, FORMAT_F32, x, t, b, y);
}

#endif
