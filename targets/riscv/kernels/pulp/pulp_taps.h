/* The taps of windows that lie on an element of a tensor: what the gradients of inputs share. Windows are dilated or have strides, not both
 * along one axis, so that the taps and the windows are evenly spaced. */
#ifndef TAPEOUT_PULP_TAPS_H
#define TAPEOUT_PULP_TAPS_H

#include "window.h"

/* Along one axis: the taps that an element is under, from `first` on, `step` apart, and the windows, from `window` on, `back` apart. */
typedef struct {
    int32_t first, step, count, window, back;
} pulp_taps;

static inline pulp_taps pulp_taps_on(int32_t at, int32_t taps, int32_t stride, int32_t dilation, int32_t pad, int32_t outputs)
{
    pulp_taps found = {0, stride > 1 ? stride : 1, 0, 0, stride > 1 ? 1 : dilation};
    for (int32_t tap = 0; tap < taps; tap++) {
        const int32_t window = window_with_tap(at, tap, stride, dilation, pad, outputs);
        if (window >= 0) {
            if (!found.count) {
                found.first = tap;
                found.window = window;
            }
            found.count++;
        }
    }
    return found;
}

#endif
