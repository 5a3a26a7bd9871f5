/* small_f32: one call of a kernel per node, in the order of the graph. */
#include "small_f32.h"
#include "small_f32_weights.h"
#include "kernels/conv2d.h"
#include "kernels/dense.h"
#include "kernels/depthwise_conv2d.h"
#include "kernels/f16.h"
#include "kernels/f32.h"
#include "kernels/fixed.h"
#include "kernels/window.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

#ifdef TAPEOUT_HOOKS /* co-simulation watches the nodes; a product leaves this undefined */
#include "hooks.h"
#else
#define node_begin(index) ((void)0)
#define node_end(index) ((void)0)
#endif

#include <float.h>
#if FLT_EVAL_METHOD < 0 || FLT_EVAL_METHOD == 1 || FLT_EVAL_METHOD == 2 || defined(__FAST_MATH__)
#error "floats must be rounded to their own format after each operation: no -ffast-math, and on x86 -mfpmath=sse"
#endif

#if defined(__GNUC__)
__attribute__((aligned(16)))
#elif __STDC_VERSION__ >= 201112L
_Alignas(16)
#else
#error "align the arena to 16 bytes in the way of this compiler"
#endif
uint8_t small_f32_arena[SMALL_F32_ARENA_BYTES];

static const conv2d_f32_params params_first = {
    .window = {.batches = 1, .in_h = 7, .in_w = 6, .in_c = 3, .in_row = 18, .in_pixel = 3, .out_h = 4, .out_w = 6,
               .out_c = 4, .out_row = 24, .out_pixel = 4, .k_h = 3, .k_w = 3, .stride_h = 2, .stride_w = 1,
               .dilation_h = 1, .dilation_w = 1, .pad_top = 1, .pad_left = 1},
    .groups = 1, .lo = -0x1.8p+0f, .hi = 6.0f,
};
static const depthwise_conv2d_f32_params params_deep = {
    .window = {.batches = 1, .in_h = 4, .in_w = 6, .in_c = 4, .in_row = 24, .in_pixel = 4, .out_h = 4, .out_w = 6,
               .out_c = 4, .out_row = 24, .out_pixel = 4, .k_h = 3, .k_w = 3, .stride_h = 1, .stride_w = 1,
               .dilation_h = 1, .dilation_w = 1, .pad_top = 1, .pad_left = 1},
    .multiplier = 1, .lo = -0x1.8p+0f, .hi = 6.0f,
};
static const dense_f32_params params_y = {
    .rows = 24, .inputs = 4, .outputs = 5, .lo = -0x1.8p+0f, .hi = 6.0f,
};

void small_f32_init(void)
{
    memset(small_f32_arena, 0, sizeof small_f32_arena);
}

void small_f32_run(void)
{
    node_begin(0); /* first: conv2d 1x7x6x3 -> 1x4x6x4 */
    conv2d_f32(&params_first, (float *)(small_f32_arena + SMALL_F32_AT_X), small_f32_w, small_f32_b,
               (float *)(small_f32_arena + SMALL_F32_AT_FIRST));
    node_end(0);
    node_begin(1); /* deep: depthwise_conv2d 1x4x6x4 -> 1x4x6x4 */
    depthwise_conv2d_f32(&params_deep, (float *)(small_f32_arena + SMALL_F32_AT_FIRST), small_f32_w_2, small_f32_b_2,
                         (float *)(small_f32_arena + SMALL_F32_AT_DEEP));
    node_end(1);
    node_begin(2); /* y: dense 1x4x6x4 -> 1x4x6x5 */
    dense_f32(&params_y, (float *)(small_f32_arena + SMALL_F32_AT_DEEP), small_f32_w_3, small_f32_b_3,
              (float *)(small_f32_arena + SMALL_F32_AT_Y));
    node_end(2);
}
