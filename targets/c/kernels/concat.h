/* concat: tensors one behind the other along an axis. The definition is compiler/ops/concat.py. */
#ifndef TAPEOUT_CONCAT_H
#define TAPEOUT_CONCAT_H

#include <stdint.h>
#include <string.h>

/* Of each input k, row r is inner[k] elements; a row of y is row r of every input. x and y do not overlap. */
static inline void concat_rows(int32_t inputs, int32_t outer, const int32_t *inner, const void *const x[], void *y, int32_t size)
{
    uint8_t *to = y;
    for (int32_t row = 0; row < outer; row++) {
        for (int32_t k = 0; k < inputs; k++) {
            const int32_t bytes = inner[k] * size;
            memcpy(to, (const uint8_t *)x[k] + row * bytes, (size_t)bytes);
            to += bytes;
        }
    }
}

typedef struct {
    int32_t inputs, outer;
    int32_t inner[16];
} concat_s8_params;

static inline void concat_s8(const concat_s8_params *p, const void *const x[], int8_t *y)
{
    concat_rows(p->inputs, p->outer, p->inner, x, y, sizeof *y);
}

typedef struct {
    int32_t inputs, outer;
    int32_t inner[16];
} concat_f32_params;

static inline void concat_f32(const concat_f32_params *p, const void *const x[], float *y)
{
    concat_rows(p->inputs, p->outer, p->inner, x, y, sizeof *y);
}

typedef concat_s8_params concat_s16_params;

static inline void concat_s16(const concat_s16_params *p, const void *const x[], int16_t *y)
{
    concat_rows(p->inputs, p->outer, p->inner, x, y, sizeof *y);
}

typedef concat_f32_params concat_f16_params;

static inline void concat_f16(const concat_f16_params *p, const void *const x[], uint16_t *y)
{
    concat_rows(p->inputs, p->outer, p->inner, x, y, sizeof *y);
}

typedef concat_f32_params concat_bf16_params;

static inline void concat_bf16(const concat_bf16_params *p, const void *const x[], uint16_t *y)
{
    concat_rows(p->inputs, p->outer, p->inner, x, y, sizeof *y);
}

#endif
