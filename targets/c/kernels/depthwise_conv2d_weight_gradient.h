/* depthwise_conv2d_weight_gradient: the gradient of the weights of depthwise_conv2d. Portable: direct loops, no scratch memory.
 * The definition is compiler/ops/depthwise_conv2d_weight_gradient.py. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_WEIGHT_GRADIENT_H
#define TAPEOUT_DEPTHWISE_CONV2D_WEIGHT_GRADIENT_H

#include "windows.h"

typedef struct {
    window_params window; /* of depthwise_conv2d: x is its input, g has the shape of its output */
} depthwise_conv2d_weight_gradient_f32_params;

/* x batches x in_h x in_w x in_c, g batches x out_h x out_w x out_c, dw k_h x k_w x out_c.
 * Each sum runs from +0 over the pixels of g, by the rule of add_product; taps in the padding are no steps. */
static inline void depthwise_conv2d_weight_gradient_floats(const depthwise_conv2d_weight_gradient_f32_params *p, float_format format,
                                                           float_sums sums, const void *x, const void *g, void *dw)
{
    const window_params *w = &p->window;
    const int32_t multiplier = w->out_c / w->in_c;
    for (int32_t tap = 0; tap < w->k_h * w->k_w; tap++) {
        const windows_of_tap at = windows_with_tap(w, tap / w->k_w, tap % w->k_w);
        for (int32_t o = 0; o < w->out_c; o++) {
            float sum = 0.0f;
            for (int32_t image = 0; image < w->batches; image++) {
                const int32_t in = image * w->in_h * w->in_row + at.origin + o / multiplier;
                sum = add_windows(w, &at, format, sums, x, in, g, image * w->out_h * w->out_row + o, sum);
            }
            store_float(dw, tap * w->out_c + o, format, sum);
        }
    }
}

typedef depthwise_conv2d_weight_gradient_f32_params depthwise_conv2d_weight_gradient_f32_fma_params;
typedef depthwise_conv2d_weight_gradient_f32_params depthwise_conv2d_weight_gradient_f16_params;
typedef depthwise_conv2d_weight_gradient_f32_params depthwise_conv2d_weight_gradient_f16_fma_params;
typedef depthwise_conv2d_weight_gradient_f32_params depthwise_conv2d_weight_gradient_bf16_params;

static inline void depthwise_conv2d_weight_gradient_f32(const depthwise_conv2d_weight_gradient_f32_params *p, const float *x,
                                                        const float *g,
                                                        float *dw)
{
    depthwise_conv2d_weight_gradient_floats(p, FORMAT_F32, SUMS_F32, x, g, dw);
}

static inline void depthwise_conv2d_weight_gradient_f32_fma(const depthwise_conv2d_weight_gradient_f32_fma_params *p, const float *x,
                                                            const float *g,
                                                            float *dw)
{
    depthwise_conv2d_weight_gradient_floats(p, FORMAT_F32, SUMS_F32_FMA, x, g, dw);
}

static inline void depthwise_conv2d_weight_gradient_f16(const depthwise_conv2d_weight_gradient_f16_params *p, const uint16_t *x,
                                                        const uint16_t *g,
                                                        uint16_t *dw)
{
    depthwise_conv2d_weight_gradient_floats(p, FORMAT_F16, SUMS_F32, x, g, dw);
}

static inline void depthwise_conv2d_weight_gradient_f16_fma(const depthwise_conv2d_weight_gradient_f16_fma_params *p, const uint16_t *x,
                                                            const uint16_t *g,
                                                            uint16_t *dw)
{
    depthwise_conv2d_weight_gradient_floats(p, FORMAT_F16, SUMS_F16, x, g, dw);
}

static inline void depthwise_conv2d_weight_gradient_bf16(const depthwise_conv2d_weight_gradient_bf16_params *p, const uint16_t *x,
                                                         const uint16_t *g,
                                                         uint16_t *dw)
{
    depthwise_conv2d_weight_gradient_floats(p, FORMAT_BF16, SUMS_F32, x, g, dw);
}

#endif
