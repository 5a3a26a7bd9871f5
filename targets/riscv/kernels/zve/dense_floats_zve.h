/* dense of floats on vectors, outputs in the lanes, a row at a time. */
#ifndef TAPEOUT_DENSE_FLOATS_ZVE_H
#define TAPEOUT_DENSE_FLOATS_ZVE_H

#include "floats_zve.h"

typedef struct {
    int32_t rows, inputs, outputs;
    zve_end end;
} dense_f32_zve_params;

typedef dense_f32_zve_params dense_f16_zve_params;
typedef dense_f32_zve_params dense_f16_fma_zve_params;

#define DENSE_ZVE(contract, element, bias_element, CONTRACT, sums, zero, load, vectors)                                                    \
    static inline void dense_##contract##_zve_rows(const dense_f32_zve_params *, const element *, const element *, const bias_element *,   \
                                                   element *) __attribute__((always_inline));                                              \
    static inline void dense_##contract##_zve_rows(const dense_f32_zve_params *p, const element *x, const element *w,                      \
                                                   const bias_element *b, element *y)                                                      \
    {                                                                                                                                      \
        size_t vl;                                                                                                                         \
        for (int32_t row = 0; row < p->rows; row++, x += p->inputs, y += p->outputs) {                                                     \
            for (int32_t first = 0; first < p->outputs; first += (int32_t)vl) {                                                            \
                vl = vectors((size_t)(p->outputs - first));                                                                                \
                const element *tap = w + first;                                                                                            \
                sums sum = zero;                                                                                                           \
                _Pragma("clang loop unroll_count(4)") for (int32_t i = 0; i < p->inputs; i++, tap += p->outputs)                           \
                {                                                                                                                          \
                    sum = ZVE_STEP_##CONTRACT(sum, x[i], load(tap, vl), vl);                                                               \
                }                                                                                                                          \
                ZVE_END_##CONTRACT(&p->end, sum, b + first, y + first, vl);                                                                \
            }                                                                                                                              \
        }                                                                                                                                  \
    }

ZVE_FOR_EACH_CONTRACT(DENSE_ZVE)

/* x rows x inputs, w inputs x outputs, b outputs, y rows x outputs */
static inline void dense_f16_fma_zve(const dense_f16_fma_zve_params *p, const uint16_t *x, const uint16_t *w, const uint16_t *b, uint16_t *y)
{
    dense_f16_fma_zve_rows(p, (const zve_f16 *)x, (const zve_f16 *)w, (const zve_f16 *)b, (zve_f16 *)y);
}

static inline void dense_f16_zve(const dense_f16_zve_params *p, const uint16_t *x, const uint16_t *w, const float *b, uint16_t *y)
{
    dense_f16_zve_rows(p, (const zve_f16 *)x, (const zve_f16 *)w, b, (zve_f16 *)y);
}

static inline void dense_f32_zve(const dense_f32_zve_params *p, const float *x, const float *w, const float *b, float *y)
{
    dense_f32_zve_rows(p, x, w, b, y);
}

#undef DENSE_ZVE

#endif
