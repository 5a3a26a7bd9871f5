/* small: one call of a kernel per node, in the order of the graph. */
#include "small.h"
#include "small_weights.h"
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

#if defined(__GNUC__)
__attribute__((aligned(16)))
#elif __STDC_VERSION__ >= 201112L
_Alignas(16)
#else
#error "align the arena to 16 bytes in the way of this compiler"
#endif
uint8_t small_arena[SMALL_ARENA_BYTES];

static const conv2d_s8_params params_first = {
    .window = {.batches = 1, .in_h = 7, .in_w = 6, .in_c = 3, .in_row = 18, .in_pixel = 3, .out_h = 4, .out_w = 6,
               .out_c = 4, .out_row = 24, .out_pixel = 4, .k_h = 3, .k_w = 3, .stride_h = 2, .stride_w = 1,
               .dilation_h = 1, .dilation_w = 1, .pad_top = 1, .pad_left = 1},
    .groups = 1, .x_zero = 3, .per_channel = 1, .y_zero = 3, .lo = -128, .hi = 127, .rounding = ROUND_TFLITE,
};
static const depthwise_conv2d_s8_params params_deep = {
    .window = {.batches = 1, .in_h = 4, .in_w = 6, .in_c = 4, .in_row = 24, .in_pixel = 4, .out_h = 4, .out_w = 6,
               .out_c = 4, .out_row = 24, .out_pixel = 4, .k_h = 3, .k_w = 3, .stride_h = 1, .stride_w = 1,
               .dilation_h = 1, .dilation_w = 1, .pad_top = 1, .pad_left = 1},
    .multiplier = 1, .x_zero = 3, .per_channel = 1, .y_zero = 3, .lo = -128, .hi = 127, .rounding = ROUND_TFLITE,
};
static const dense_s8_params params_y = {
    .rows = 24, .inputs = 4, .outputs = 5, .w_zero = 0, .x_zero = 3, .per_channel = 1, .y_zero = 3, .lo = -128,
    .hi = 127, .rounding = ROUND_TFLITE,
};

void small_init(void)
{
    memset(small_arena, 0, sizeof small_arena);
}

void small_run(void)
{
    node_begin(0); /* first: conv2d 1x7x6x3 -> 1x4x6x4 */
    conv2d_s8(&params_first, (int8_t *)(small_arena + SMALL_AT_X), small_first_c, small_first_c_2, small_first_c_3,
              small_first_c_4, (int8_t *)(small_arena + SMALL_AT_FIRST));
    node_end(0);
    node_begin(1); /* deep: depthwise_conv2d 1x4x6x4 -> 1x4x6x4 */
    depthwise_conv2d_s8(&params_deep, (int8_t *)(small_arena + SMALL_AT_FIRST), small_deep_c, small_deep_c_2,
                        small_deep_c_3, small_deep_c_4, (int8_t *)(small_arena + SMALL_AT_DEEP));
    node_end(1);
    node_begin(2); /* y: dense 1x4x6x4 -> 1x4x6x5 */
    dense_s8(&params_y, (int8_t *)(small_arena + SMALL_AT_DEEP), small_y_c, small_y_c_2, small_y_c_3, small_y_c_4,
             (int8_t *)(small_arena + SMALL_AT_Y));
    node_end(2);
}
