/* dense of floats on a scalar float unit: four outputs at a time, of four rows where there are as many, as float_blocks.h says. */
#ifndef TAPEOUT_DENSE_BLOCKS_H
#define TAPEOUT_DENSE_BLOCKS_H

#include "float_blocks.h"

typedef struct {
    int32_t rows, inputs, outputs;
    float lo, hi;
} dense_f32_blocks_params;

typedef dense_f32_blocks_params dense_f16_blocks_params;
typedef dense_f32_blocks_params dense_bf16_blocks_params;

static inline void dense_blocks(const dense_f32_blocks_params *, float_format, const void *, const void *, const float *, void *)
    __attribute__((always_inline));

static inline void dense_blocks(const dense_f32_blocks_params *p, float_format format, const void *x, const void *w, const float *b,
                                void *y)
{
    for (int32_t o = 0; o < p->outputs; o += BLOCK) {
        const int32_t count = p->outputs - o < BLOCK ? p->outputs - o : BLOCK;
        for (int32_t row = 0, rows; row < p->rows; row += rows) {
            float sums[BLOCK * BLOCK];
            block_clear(sums);
            rows = p->rows - row < BLOCK ? 1 : BLOCK;
            if (rows == BLOCK) {
                block_add(format, p->inputs, x, row * p->inputs, p->inputs, w, o * p->inputs, sums);
            } else {
                line_add(format, p->inputs, x, row * p->inputs, w, o * p->inputs, sums);
            }
            for (int32_t i = 0; i < rows; i++) {
                block_store(format, sums + i * BLOCK, b + o, p->lo, p->hi, count, y, (row + i) * p->outputs + o);
            }
        }
    }
}

/* x rows x inputs, w groups of four outputs x inputs x 4, b as many as all groups have outputs, y rows x outputs */
static inline void dense_f32_blocks(const dense_f32_blocks_params *p, const float *x, const float *w, const float *b, float *y)
{
    dense_blocks(p, FORMAT_F32, x, w, b, y);
}

static inline void dense_f16_blocks(const dense_f16_blocks_params *p, const uint16_t *x, const uint16_t *w, const float *b, uint16_t *y)
{
    dense_blocks(p, FORMAT_F16, x, w, b, y);
}

static inline void dense_bf16_blocks(const dense_bf16_blocks_params *p, const uint16_t *x, const uint16_t *w, const float *b, uint16_t *y)
{
    dense_blocks(p, FORMAT_BF16, x, w, b, y);
}

#endif
