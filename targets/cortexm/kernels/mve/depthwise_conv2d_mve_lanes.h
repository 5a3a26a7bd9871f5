/* depthwise_conv2d on Helium, for all windows: eight output channels of a pixel at a time, one in each lane, no scratch memory. Codes have
 * 8 or 16 bits. */
#ifndef TAPEOUT_DEPTHWISE_CONV2D_MVE_LANES_H
#define TAPEOUT_DEPTHWISE_CONV2D_MVE_LANES_H

#include "helium.h"
#include "window.h"
#include <arm_mve.h>

typedef struct {
    window_params window; /* its rows and pixels count bytes */
    int32_t width;        /* bytes of a code */
    int32_t multiplier;   /* output channels per input channel */
    int32_t x_zero;
    helium_codes codes;
} depthwise_conv2d_s8_mve_lanes_params;

/* Eight output channels, of which there are `count`, from `first` on. */
typedef struct {
    int32_t first, count;
    const int32_t *table; /* bias, mul, add and -shift, four of each, of the even channels; then of the odd ones */
    uint16_t inputs[8];   /* where their input channels lie, from the one of the first */
} depthwise_conv2d_s8_mve_lanes_group;

/* Inlined, so that the parameters are constants of the loops. */
static inline int32x4_t depthwise_conv2d_s8_mve_lanes_codes(const helium_codes *, int32x4_t, const int32_t *)
    __attribute__((always_inline));
static inline int16x8_t depthwise_conv2d_s8_mve_lanes_load(const int8_t *, const depthwise_conv2d_s8_mve_lanes_group *)
    __attribute__((always_inline));
static inline int16x8_t depthwise_conv2d_s8_mve_lanes_inputs(const depthwise_conv2d_s8_mve_lanes_params *, const int8_t *,
                                                             const depthwise_conv2d_s8_mve_lanes_group *) __attribute__((always_inline));
static inline int16x8_t depthwise_conv2d_s8_mve_lanes_pixel(const depthwise_conv2d_s8_mve_lanes_params *, const window *, const int8_t *,
                                                           const int8_t *, const depthwise_conv2d_s8_mve_lanes_group *)
    __attribute__((always_inline));
static inline void depthwise_conv2d_s8_mve_lanes_plane(const depthwise_conv2d_s8_mve_lanes_params *, const int8_t *, const int8_t *,
                                                       const depthwise_conv2d_s8_mve_lanes_group *, int8_t *)
    __attribute__((always_inline));
static inline void depthwise_conv2d_s8_mve_lanes(const depthwise_conv2d_s8_mve_lanes_params *, const int8_t *, const int8_t *,
                                                 const int32_t *, int8_t *) __attribute__((always_inline));

/* The codes of four sums. */
static inline int32x4_t depthwise_conv2d_s8_mve_lanes_codes(const helium_codes *p, int32x4_t sum, const int32_t *table)
{
    sum = vaddq_s32(sum, vldrwq_s32(table));
    int32x4_t high = p->doubled ? vqrdmulhq_s32(sum, vldrwq_s32(table + 4)) : vmulhq_s32(sum, vldrwq_s32(table + 4));
    high = vaddq_s32(high, vldrwq_s32(table + 8));
    return vshlq_s32(p->signs ? vaddq_s32(high, vshrq_n_s32(sum, 31)) : high, vldrwq_s32(table + 12));
}

/* Eight bytes as 16 bits each, or as many as there are channels. */
static inline int16x8_t depthwise_conv2d_s8_mve_lanes_load(const int8_t *from, const depthwise_conv2d_s8_mve_lanes_group *group)
{
    return group->count == 8 ? vldrbq_s16(from) : vldrbq_z_s16(from, vctp16q((uint32_t)group->count));
}

/* Codes of the input channels of a group. */
static inline int16x8_t depthwise_conv2d_s8_mve_lanes_inputs(const depthwise_conv2d_s8_mve_lanes_params *p, const int8_t *from,
                                                             const depthwise_conv2d_s8_mve_lanes_group *group)
{
    if (p->width == 1) {
        return p->multiplier == 1 ? depthwise_conv2d_s8_mve_lanes_load(from, group)
                                  : vldrbq_gather_offset_s16(from, vldrhq_u16(group->inputs));
    }
    const int16_t *codes = (const int16_t *)(const void *)from;
    if (p->multiplier != 1) {
        return vldrhq_gather_offset_s16(codes, vldrhq_u16(group->inputs));
    }
    return group->count == 8 ? vldrhq_s16(codes) : vldrhq_z_s16(codes, vctp16q((uint32_t)group->count));
}

/* Eight codes in 16 bits each; x and w are those of the first channel at tap (0, 0). */
static inline int16x8_t depthwise_conv2d_s8_mve_lanes_pixel(const depthwise_conv2d_s8_mve_lanes_params *p, const window *at,
                                                           const int8_t *x, const int8_t *w,
                                                           const depthwise_conv2d_s8_mve_lanes_group *group)
{
    const window_params *g = &p->window;
    int32x4_t even = vdupq_n_s32(0), odd = vdupq_n_s32(0);
    for (int32_t i = at->rows.first; i < at->rows.last; i++) {
        const int8_t *in = x + i * g->dilation_h * g->in_row + at->columns.first * g->dilation_w * g->in_pixel;
        const int8_t *tap = w + (i * g->k_w + at->columns.first) * g->out_c;
        for (int32_t j = at->columns.first; j < at->columns.last; j++, in += g->dilation_w * g->in_pixel, tap += g->out_c) {
            const int16x8_t codes = depthwise_conv2d_s8_mve_lanes_inputs(p, in, group);
            const int16x8_t centred = vsubq_n_s16(codes, (int16_t)p->x_zero), taps = depthwise_conv2d_s8_mve_lanes_load(tap, group);
            even = vaddq_s32(even, vmullbq_int_s16(centred, taps));
            odd = vaddq_s32(odd, vmulltq_int_s16(centred, taps));
        }
    }
    int16x8_t codes = vqmovnbq_s32(vuninitializedq_s16(), depthwise_conv2d_s8_mve_lanes_codes(&p->codes, even, group->table));
    codes = vqmovntq_s32(codes, depthwise_conv2d_s8_mve_lanes_codes(&p->codes, odd, group->table + 16));
    return vminq_s16(vmaxq_s16(codes, vdupq_n_s16((int16_t)p->codes.lo)), vdupq_n_s16((int16_t)p->codes.hi));
}

/* All pixels of eight channels. */
static inline void depthwise_conv2d_s8_mve_lanes_plane(const depthwise_conv2d_s8_mve_lanes_params *p, const int8_t *x, const int8_t *w,
                                                       const depthwise_conv2d_s8_mve_lanes_group *group, int8_t *y)
{
    const window_params *g = &p->window;
    for (int32_t row = 0; row < g->batches * g->out_h; row++) {
        for (int32_t column = 0; column < g->out_w; column++) {
            const window at = window_at(g, row, column);
            const int8_t *in = x + at.origin + p->width * (group->first / p->multiplier);
            const int16x8_t codes = depthwise_conv2d_s8_mve_lanes_pixel(p, &at, in, w + group->first, group);
            int8_t *const out = y + row * g->out_row + column * g->out_pixel + p->width * group->first;
            const mve_pred16_t there = vctp16q((uint32_t)group->count);
            if (p->width == 2) {
                vstrhq_p_s16((int16_t *)(void *)out, codes, there);
            } else if (group->count == 8) {
                vstrbq_s16(out, codes);
            } else {
                vstrbq_p_s16(out, codes, there);
            }
        }
    }
}

/* x batches x in_h x in_w x in_c, w k_h x k_w x out_c, table for each eight channels, y batches x out_h x out_w x out_c */
static inline void depthwise_conv2d_s8_mve_lanes(const depthwise_conv2d_s8_mve_lanes_params *p, const int8_t *x, const int8_t *w,
                                                 const int32_t *table, int8_t *y)
{
    const int32_t channels = p->window.out_c, rest = channels % 8;
    for (int32_t first = 0; first < channels; first += 8) {
        depthwise_conv2d_s8_mve_lanes_group group = {first, 8, table + 4 * first, {0}};
        for (int32_t i = 0; i < 8 && first + i < channels; i++) { /* those that do not exist read the first one's */
            group.inputs[i] = (uint16_t)(p->width * ((first + i) / p->multiplier - first / p->multiplier));
        }
        if (first + rest == channels && rest) {
            group.count = rest;
            depthwise_conv2d_s8_mve_lanes_plane(p, x, w, &group, y);
        } else {
            depthwise_conv2d_s8_mve_lanes_plane(p, x, w, &group, y);
        }
    }
}

#endif
