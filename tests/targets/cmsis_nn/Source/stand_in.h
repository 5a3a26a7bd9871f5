/* What the stand-ins share. */
#include "../../../../targets/c/kernels/fixed.h"
#include "../../../../targets/c/kernels/window.h"
#include <arm_nnfunctions.h>
#include <string.h>

#ifdef CMSIS_NN_USE_SINGLE_ROUNDING
#define BUILD_ROUNDING ROUND_HALF_UP
#else
#define BUILD_ROUNDING ROUND_TFLITE
#endif

static inline void overwrite(const cmsis_nn_context *context)
{
    if (context->buf) {
        memset(context->buf, 0xA5, (size_t)context->size);
    }
}

static inline window_params window_of(const cmsis_nn_dims *in, const cmsis_nn_dims *filter, const cmsis_nn_dims *out, cmsis_nn_tile stride,
                                      cmsis_nn_tile padding, cmsis_nn_tile dilation)
{
    return (window_params){in->n, in->h, in->w, in->c, in->w * in->c, in->c, out->h, out->w, out->c, out->w * out->c, out->c,
                           filter->h, filter->w, stride.h, stride.w, dilation.h, dilation.w, padding.h, padding.w};
}
