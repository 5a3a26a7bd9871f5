/* depthwise_conv2d: kernels of 3 x 3 taps for cores without the DSP extension, one channel after the other. Three rows of input of a channel
 * lie in scratch memory as words, with their padding, so that three neighbours are one load; a row of input takes the place of the one that
 * no output reads any more. One function serves all layers.
 * The definition is compiler/ops/depthwise_conv2d.py; depthwise_conv2d_channels.py says what is packed. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_CHANNELS_H
#define TAPEOUT_DEPTHWISE_CONV2D_CHANNELS_H

#include "split_slope.h"
#include "window.h"

typedef struct {
    window_params window;
    int32_t x_zero;
    int32_t columns; /* of a row in scratch */
    int32_t bent;    /* whether lines are, see split_slope.h */
} depthwise_conv2d_channels_s8_params;

enum { CHANNELS_TAPS = 9, CHANNELS_ROWS = 3 };

/* A row of output of a channel. */
typedef struct {
    const int32_t *x;
    int32_t second, third, next; /* bytes from the end of three words of a row to the row below, to the one below it, and to the next window */
    const int32_t *channel;      /* its taps, and the numbers of its line */
    int8_t *y, *y_end;
    int32_t pixel;               /* bytes from output to output */
} channels_row;

/* Three taps by three words, as r2. */
#define CHANNELS_TAPS_OF_A_ROW                                                                     \
    "ldm r0!, {r2, r3, r4}\n\tldm r1!, {r5, r6, r7}\n\t"                                              \
    "muls r2, r5, r2\n\tmuls r3, r6, r3\n\tmuls r4, r7, r4\n\tadds r2, r2, r3\n\tadds r2, r2, r4\n\t"

#define CHANNELS_FUNCTION(name, add)                                                         \
    static __attribute__((noinline, unused)) void name(const channels_row *of)                     \
    {                                                                                              \
        const int32_t *const channel = of->channel;                                                \
        const int32_t pixel = of->pixel;                                                           \
        register const channels_row *row __asm("r0") = of;                                         \
        __asm volatile(".syntax unified\n\t"                                                        \
                       "ldm r0!, {r1, r2, r3, r4}\n\t"                                              \
                       "mov r8, r2\n\tmov r9, r3\n\tmov r10, r4\n\t"                                 \
                       "ldm r0!, {r3, r4, r5}\n\t"                                                  \
                       "mov r12, r4\n\tmov lr, r5\n\tmov r0, r1\n"                                   \
                       "1:\n\t"                                                                    \
                       "ldr r1, %[channel]\n\t" CHANNELS_TAPS_OF_A_ROW                             \
                       "mov r11, r2\n\t"                                                           \
                       "add r0, r8\n\t" CHANNELS_TAPS_OF_A_ROW                                     \
                       "add r11, r2\n\t"                                                           \
                       "add r0, r9\n\t" CHANNELS_TAPS_OF_A_ROW                                     \
                       "mov r3, r11\n\t"                                                           \
                       "adds r3, r3, r2\n\t"                                                       \
                       "add r0, r10\n\t"                                                           \
                       "mov r2, r12\n\t" SPLIT_SLOPE_CODE(add)                                     \
                       "ldr r3, %[pixel]\n\t"                                                      \
                       "adds r2, r2, r3\n\t"                                                       \
                       "mov r12, r2\n\t"                                                           \
                       "cmp r2, lr\n\t"                                                            \
                       "bne 1b\n"                                                                  \
                       : "+r"(row)                                                                 \
                       : [channel] "m"(channel), [pixel] "m"(pixel)                                \
                       : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory"); \
    }
CHANNELS_FUNCTION(channels_row_straight, SPLIT_SLOPE_STRAIGHT)
CHANNELS_FUNCTION(channels_row_bent, SPLIT_SLOPE_BENT)

static inline void channels_fill(int32_t code, int32_t count, int32_t *to)
{
    for (int32_t *end = to + count; to < end; to++) {
        *to = code;
    }
}

/* Row `row` of a channel of an image, or a row of padding, in its place in scratch, which holds padding in its first and last columns. */
static __attribute__((noinline, unused)) void channels_widen(const depthwise_conv2d_channels_s8_params *p, const int8_t *image, int32_t row,
                                                             int32_t *to)
{
    const window_params *g = &p->window;
    const int32_t room = p->columns - g->pad_left, inside = g->in_w < room ? g->in_w : room;
    to += g->pad_left;
    if (row < 0 || row >= g->in_h) {
        channels_fill(p->x_zero, inside, to);
        return;
    }
    const int8_t *x = image + row * g->in_row;
    const int32_t pixel = g->in_pixel;
    for (const int32_t *end = to + inside; to < end; to++, x += pixel) {
        *to = *x;
    }
}

/* The taps of a channel and the numbers of its line, as words side by side. */
static inline void channels_table(const int8_t *taps, const int32_t *numbers, int32_t count, int32_t *to)
{
    for (int32_t i = 0; i < CHANNELS_TAPS; i++) {
        *to++ = taps[i];
    }
    for (int32_t i = 0; i < count; i++) {
        *to++ = numbers[i];
    }
}

/* All rows of output of a channel of an image. */
#define CHANNELS_IMAGE(way, count)                                                                                                      \
    static __attribute__((noinline, unused)) void channels_image_##way(const depthwise_conv2d_channels_s8_params *p, const int8_t *x,   \
                                                                       const int8_t *taps, const int32_t *numbers, int8_t *y, int32_t *scratch)\
    {                                                                                                                                   \
        const window_params *g = &p->window;                                                                                            \
        int32_t channel[CHANNELS_TAPS + (count)];                                                                                       \
        int32_t *slots[CHANNELS_ROWS] = {scratch, scratch + p->columns, scratch + 2 * p->columns};                                      \
        channels_row of = {.channel = channel, .pixel = g->out_pixel, .y = y};                                                          \
        int32_t widened = -g->pad_top;                                                                                                  \
        channels_table(taps, numbers, count, channel);                                                                                  \
        for (int32_t row = 0, top = -g->pad_top; row < g->out_h; row++, top += g->stride_h) {                                           \
            for (widened = widened < top ? top : widened; widened < top + CHANNELS_ROWS; widened++) {                                   \
                int32_t *const oldest = slots[0];                                                                                       \
                slots[0] = slots[1];                                                                                                    \
                slots[1] = slots[2];                                                                                                    \
                slots[2] = oldest;                                                                                                      \
                channels_widen(p, x, widened, oldest);                                                                                  \
            }                                                                                                                           \
            of.x = slots[0];                                                                                                            \
            of.second = 4 * (int32_t)(slots[1] - slots[0]) - 12;                                                                        \
            of.third = 4 * (int32_t)(slots[2] - slots[1]) - 12;                                                                         \
            of.next = 4 * ((int32_t)(slots[0] - slots[2]) + g->stride_w) - 12;                                                          \
            of.y_end = of.y + g->out_row;                                                                                               \
            channels_row_##way(&of);                                                                                                    \
            of.y = of.y_end;                                                                                                            \
        }                                                                                                                               \
    }
CHANNELS_IMAGE(straight, SPLIT_SLOPE_WORDS)
CHANNELS_IMAGE(bent, SPLIT_SLOPE_BENT_WORDS)

/* x and y as in depthwise_conv2d_s8; taps in_c x 9, numbers of lines by channels; scratch three rows of `columns` words. */
static inline void depthwise_conv2d_channels_s8(const depthwise_conv2d_channels_s8_params *p, const int8_t *x, const int8_t *taps,
                                                const int32_t *numbers, int8_t *y, uint8_t *scratch)
{
    const window_params *g = &p->window;
    const int32_t count = p->bent ? SPLIT_SLOPE_BENT_WORDS : SPLIT_SLOPE_WORDS;
    int32_t *const rows = (int32_t *)(void *)scratch;
    channels_fill(p->x_zero, CHANNELS_ROWS * p->columns, rows);
    for (int32_t batch = 0; batch < g->batches; batch++) {
        for (int32_t c = 0; c < g->in_c; c++) {
            (p->bent ? channels_image_bent : channels_image_straight)(p, x + c, taps + c * CHANNELS_TAPS, numbers + c * count, y + c, rows);
        }
        x += g->in_h * g->in_row;
        y += g->out_h * g->out_row;
    }
}

#endif
