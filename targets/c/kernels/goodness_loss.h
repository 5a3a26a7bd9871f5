/* goodness_loss: softplus of threshold and goodness. Portable. The definition is compiler/ops/goodness_loss.py. */
#ifndef TAPEOUT_GOODNESS_LOSS_H
#define TAPEOUT_GOODNESS_LOSS_H

#include "f32.h"

typedef struct {
    float threshold;
} goodness_loss_f32_params;

/* All one element; target 1 or -1 */
static inline void goodness_loss_f32(const goodness_loss_f32_params *p, const float *goodness, const float *target, float *derivative,
                                     float *loss)
{
    const float d = (p->threshold - *goodness) * *target;
    *derivative = -*target * sigmoid_scalar(d);
    *loss = softplus_scalar(d);
}

#endif
