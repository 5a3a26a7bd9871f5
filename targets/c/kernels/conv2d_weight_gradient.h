/* conv2d_weight_gradient: the gradient of the weights of conv2d. Portable: direct loops, no scratch memory.
 * The definition is compiler/ops/conv2d_weight_gradient.py. */
#ifndef TAPEOUT_CONV2D_WEIGHT_GRADIENT_H
#define TAPEOUT_CONV2D_WEIGHT_GRADIENT_H

#include "windows.h"

typedef struct {
    window_params window; /* of conv2d: x is its input, g has the shape of its output */
    int32_t groups;
} conv2d_weight_gradient_f32_params;

/* x batches x in_h x in_w x in_c, g batches x out_h x out_w x out_c, dw out_c x k_h x k_w x in_c / groups.
 * Each sum runs from +0 over the pixels of g, by the rule of add_product; taps in the padding are no steps. */
static inline void conv2d_weight_gradient_floats(const conv2d_weight_gradient_f32_params *p, float_format format, float_sums sums,
                                                 const void *x, const void *g, void *dw)
{
    const window_params *w = &p->window;
    const int32_t inputs = w->in_c / p->groups;
    const int32_t outputs = w->out_c / p->groups;
    for (int32_t o = 0; o < w->out_c; o++) {
        for (int32_t tap = 0; tap < w->k_h * w->k_w; tap++) {
            const windows_of_tap at = windows_with_tap(w, tap / w->k_w, tap % w->k_w);
            for (int32_t c = 0; c < inputs; c++) {
                float sum = 0.0f;
                for (int32_t image = 0; image < w->batches; image++) {
                    const int32_t in = image * w->in_h * w->in_row + at.origin + o / outputs * inputs + c;
                    sum = add_windows(w, &at, format, sums, x, in, g, image * w->out_h * w->out_row + o, sum);
                }
                store_float(dw, (o * w->k_h * w->k_w + tap) * inputs + c, format, sum);
            }
        }
    }
}

typedef conv2d_weight_gradient_f32_params conv2d_weight_gradient_f32_fma_params;
typedef conv2d_weight_gradient_f32_params conv2d_weight_gradient_f16_params;
typedef conv2d_weight_gradient_f32_params conv2d_weight_gradient_f16_fma_params;
typedef conv2d_weight_gradient_f32_params conv2d_weight_gradient_bf16_params;

static inline void conv2d_weight_gradient_f32(const conv2d_weight_gradient_f32_params *p, const float *x, const float *g, float *dw)
{
    conv2d_weight_gradient_floats(p, FORMAT_F32, SUMS_F32, x, g, dw);
}

static inline void conv2d_weight_gradient_f32_fma(const conv2d_weight_gradient_f32_fma_params *p, const float *x, const float *g, float *dw)
{
    conv2d_weight_gradient_floats(p, FORMAT_F32, SUMS_F32_FMA, x, g, dw);
}

static inline void conv2d_weight_gradient_f16(const conv2d_weight_gradient_f16_params *p, const uint16_t *x, const uint16_t *g,
                                              uint16_t *dw)
{
    conv2d_weight_gradient_floats(p, FORMAT_F16, SUMS_F32, x, g, dw);
}

static inline void conv2d_weight_gradient_f16_fma(const conv2d_weight_gradient_f16_fma_params *p, const uint16_t *x, const uint16_t *g,
                                                  uint16_t *dw)
{
    conv2d_weight_gradient_floats(p, FORMAT_F16, SUMS_F16, x, g, dw);
}

static inline void conv2d_weight_gradient_bf16(const conv2d_weight_gradient_bf16_params *p, const uint16_t *x, const uint16_t *g,
                                               uint16_t *dw)
{
    conv2d_weight_gradient_floats(p, FORMAT_BF16, SUMS_F32, x, g, dw);
}

#endif
