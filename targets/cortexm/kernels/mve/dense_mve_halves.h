/* dense on Helium with activations of 16 bits; see dense_mve.h. */
#ifndef TAPEOUT_DENSE_MVE_HALVES_H
#define TAPEOUT_DENSE_MVE_HALVES_H

#include "dense_mve.h"

typedef dense_s8_mve_params dense_packed_s16_mve_params;
typedef dense_s8_mve_params dense_packed_s16_mve_padded_params;

static inline void dense_packed_s16_mve(const dense_s8_mve_params *, const int16_t *, const int32_t *, int16_t *)
    __attribute__((always_inline)); /* so that the parameters are constants of the assembly */

/* x rows x inputs, which are whole vectors; y rows x outputs */
static inline void dense_packed_s16_mve(const dense_s8_mve_params *p, const int16_t *x, const int32_t *stream, int16_t *y)
{
    dense_s8_mve(p, (const int8_t *)x, stream, (int8_t *)y);
}

static inline void dense_packed_s16_mve_padded(const dense_s8_mve_params *, const int16_t *, const int32_t *, int16_t *, uint8_t *)
    __attribute__((always_inline));

/* x rows x inputs, y rows x outputs; scratch takes a row of inputs and what fills its last vector */
static inline void dense_packed_s16_mve_padded(const dense_s8_mve_params *p, const int16_t *x, const int32_t *stream, int16_t *y,
                                               uint8_t *scratch)
{
    dense_s8_mve_padded(p, (const int8_t *)x, stream, (int8_t *)y, scratch);
}

#endif
