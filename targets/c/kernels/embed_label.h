/* embed_label: a label in the first elements of an input. Portable. The definition is compiler/ops/embed_label.py. */
#ifndef TAPEOUT_EMBED_LABEL_H
#define TAPEOUT_EMBED_LABEL_H

#include <stdint.h>

typedef struct {
    int32_t size, classes;
} embed_label_f32_params;

/* x and y size elements, label classes; y may be x */
static inline void embed_label_f32(const embed_label_f32_params *p, const float *x, const float *label, float *y)
{
    for (int32_t i = 0; i < p->size; i++) {
        y[i] = i < p->classes ? label[i] : x[i];
    }
}

#endif
