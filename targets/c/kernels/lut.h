/* lut: any function of one 8-bit code, as a table of 256. The definition is compiler/ops/lut.py. */
#ifndef TAPEOUT_LUT_H
#define TAPEOUT_LUT_H

#include <stdint.h>

typedef struct {
    int32_t size;
} lut_s8_params;

/* x and y hold size codes and may be the same memory; the table begins at code -128. */
static inline void lut_s8(const lut_s8_params *p, const int8_t *x, const int8_t *table, int8_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = table[x[i] + 128];
    }
}

typedef struct {
    int32_t size;
} lut_u8_params;

/* As above; the table begins at code 0. */
static inline void lut_u8(const lut_u8_params *p, const uint8_t *x, const uint8_t *table, uint8_t *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = table[x[i]];
    }
}

#endif
