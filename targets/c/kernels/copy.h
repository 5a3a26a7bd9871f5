/* Copies between strided views of tensors, which pad, slice and transpose share. Shapes and strides are made by
 * compiler/strides.py. Elements move as bytes, so that one function serves every type; each caller gives their size
 * as a constant, which the compiler folds into plain loads and stores. */
#ifndef TAPEOUT_COPY_H
#define TAPEOUT_COPY_H

#include <stdint.h>
#include <string.h>

/* One axis of `count` elements; strides count elements. Elements without gaps may overlap: rows of a tensor move within it. */
static inline void copy_row(const uint8_t *x, int32_t x_stride, uint8_t *y, int32_t y_stride, int32_t count, int32_t size)
{
    if (x_stride == 1 && y_stride == 1) {
        memmove(y, x, (size_t)(count * size));
        return;
    }
    for (int32_t i = 0; i < count; i++) {
        memcpy(y + i * y_stride * size, x + i * x_stride * size, (size_t)size);
    }
}

/* x and y point at their first elements and do not overlap, unless all elements are one run; `size` is the bytes of an element. */
static inline void copy_strided(const int32_t shape[5], const void *x, const int32_t x_stride[5], void *y, const int32_t y_stride[5],
                                int32_t size)
{
    for (int32_t a = 0; a < shape[0]; a++) {
        for (int32_t b = 0; b < shape[1]; b++) {
            for (int32_t c = 0; c < shape[2]; c++) {
                for (int32_t d = 0; d < shape[3]; d++) {
                    const int32_t from = a * x_stride[0] + b * x_stride[1] + c * x_stride[2] + d * x_stride[3];
                    const int32_t to = a * y_stride[0] + b * y_stride[1] + c * y_stride[2] + d * y_stride[3];
                    copy_row((const uint8_t *)x + from * size, x_stride[4], (uint8_t *)y + to * size, y_stride[4], shape[4], size);
                }
            }
        }
    }
}

#endif
