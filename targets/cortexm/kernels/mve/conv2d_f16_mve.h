/* conv2d of f16 with sums in f32 on Helium: three pixels by eight output channels at a time; see helium_f16_wide.h. The windows of the
 * pixels are widened into scratch, with 0 for what lies in the padding, which adds nothing to a sum that is never -0. */
#ifndef TAPEOUT_CONV2D_F16_MVE_H
#define TAPEOUT_CONV2D_F16_MVE_H

#include "helium_f16_wide.h"
#include "window.h"
#include <string.h>

typedef struct {
    window_params window;
    helium_wide_end end;
} conv2d_f16_mve_params;

/* What the assembly reads by r1; fewer pixels are some twice. */
typedef struct {
    const float *x[3];
    const uint16_t *w;
    const float *b; /* of eight channels, the even ones first */
    uint16_t *y[3];
    int32_t count, channels; /* elements of a window, and outputs that exist */
} conv2d_f16_mve_block;

/* An element of each window by the weights of eight channels. */
#define CONV2D_F16_WIDE_STEP                                                                                                               \
    "vldrh.u16 q7, [r5], #16\n"                                                                                                            \
    "ldr r0, [r2], #4\n"                                                                                                                   \
    HELIUM_WIDEN_EVEN("6", "7")                                                                                                            \
    "ldr r10, [r3], #4\n"                                                                                                                  \
    HELIUM_WIDEN_ODD("7", "7")                                                                                                             \
    "ldr r11, [r4], #4\n"                                                                                                                  \
    "vfma.f32 q0, q6, r0\n"                                                                                                                \
    "vfma.f32 q1, q7, r0\n"                                                                                                                \
    "vfma.f32 q2, q6, r10\n"                                                                                                               \
    "vfma.f32 q3, q7, r10\n"                                                                                                               \
    "vfma.f32 q4, q6, r11\n"                                                                                                               \
    "vfma.f32 q5, q7, r11\n"

static inline void conv2d_f16_mve_outputs(const conv2d_f16_mve_params *, const conv2d_f16_mve_block *)
    __attribute__((always_inline)); /* so that the parameters are constants of the assembly */
static inline void conv2d_f16_mve_widen(const conv2d_f16_mve_params *, int32_t, int32_t, const uint16_t *, float *)
    __attribute__((always_inline));
static inline void conv2d_f16_mve(const conv2d_f16_mve_params *, const uint16_t *, const uint16_t *, const float *, uint16_t *, uint8_t *)
    __attribute__((always_inline));

/* Eight channels of three pixels. */
static inline void conv2d_f16_mve_outputs(const conv2d_f16_mve_params *p, const conv2d_f16_mve_block *block)
{
    register const conv2d_f16_mve_block *at __asm("r1") = block;
    __asm volatile(HELIUM_F16_ON
                   "ldrd r2, r3, [r1]\n"
                   "ldrd r4, r5, [r1, #8]\n"
                   "ldr r6, [r1, #32]\n"
                   "vmov.i32 q0, #0\n"
                   "vmov.i32 q1, #0\n"
                   "vmov.i32 q2, #0\n"
                   "vmov.i32 q3, #0\n"
                   "vmov.i32 q4, #0\n"
                   "vmov.i32 q5, #0\n"
                   "lsr r12, r6, #1\n"
                   "wls lr, r12, 2f\n"
                   "1:\n" CONV2D_F16_WIDE_STEP CONV2D_F16_WIDE_STEP
                   "le lr, 1b\n"
                   "2: tst r6, #1\n"
                   "beq 3f\n" CONV2D_F16_WIDE_STEP
                   "3: ldrd r0, r2, [r1, #16]\n"
                   "ldrd r3, r4, [r1, #24]\n"
                   "ldr r6, [r1, #36]\n"
                   "vldrw.u32 q6, [r0]\n"
                   "vldrw.u32 q7, [r0, #16]\n"
                   HELIUM_WIDE_BIAS("q0", "q1") HELIUM_WIDE_BIAS("q2", "q3") HELIUM_WIDE_BIAS("q4", "q5")
                   HELIUM_WIDE_BOUNDS
                   HELIUM_WIDE_NARROW("0", "1") HELIUM_WIDE_NARROW("2", "3") HELIUM_WIDE_NARROW("4", "5")
                   "vctp.16 r6\n"
                   "vpsttt\n"
                   "vstrht.16 q0, [r2]\n"
                   "vstrht.16 q2, [r3]\n"
                   "vstrht.16 q4, [r4]\n"
                   : "+r"(at)
                   : HELIUM_WIDE_END(p->end)
                   : HELIUM_F16_CLOBBERS);
}

/* `count` elements as float. */
static inline void helium_widen(float *to, const uint16_t *from, int32_t count)
{
    __asm volatile(HELIUM_F16_ON
                   "wlstp.32 lr, %[count], 2f\n"
                   "1: vldrh.u32 q0, [%[from]], #8\n"
                   HELIUM_WIDEN_EVEN("0", "0")
                   "vstrw.32 q0, [%[to]], #16\n"
                   "letp lr, 1b\n"
                   "2:\n"
                   : [to] "+r"(to), [from] "+l"(from) /* of the low registers, as VLDRH takes no others */
                   : [count] "r"(count)
                   : "lr", "memory", "q0");
}

/* The window of a pixel, k_h x k_w x in_c; rows are counted over all batches. */
static inline void conv2d_f16_mve_widen(const conv2d_f16_mve_params *p, int32_t row, int32_t column, const uint16_t *x, float *to)
{
    const window_params *g = &p->window;
    const window at = window_at(g, row, column);
    const int32_t columns = at.columns.last - at.columns.first, whole = columns == g->k_w && at.rows.last - at.rows.first == g->k_h;
    if (!whole) {
        memset(to, 0, sizeof *to * (size_t)(g->k_h * g->k_w * g->in_c));
    }
    for (int32_t i = at.rows.first; i < at.rows.last && columns > 0; i++) {
        helium_widen(to + (i * g->k_w + at.columns.first) * g->in_c,
                     x + at.origin + i * g->dilation_h * g->in_row + at.columns.first * g->in_c, columns * g->in_c);
    }
}

/* x batches x in_h x in_w x in_c, w groups of eight outputs x k_h x k_w x in_c x 8, b groups of eight, the even ones first,
 * y batches x out_h x out_w x out_c; scratch takes three windows as float */
static inline void conv2d_f16_mve(const conv2d_f16_mve_params *p, const uint16_t *x, const uint16_t *w, const float *b, uint16_t *y,
                                  uint8_t *scratch)
{
    const window_params *g = &p->window;
    const int32_t pixels = g->batches * g->out_h * g->out_w, count = g->k_h * g->k_w * g->in_c;
    float *const windows = (float *)(void *)scratch;
    for (int32_t pixel = 0; pixel < pixels; pixel += 3) {
        const int32_t more = pixels - pixel > 3 ? 2 : pixels - pixel - 1;
        conv2d_f16_mve_block block = {{NULL}, w, b, {NULL}, count, g->out_c};
        for (int32_t i = 0; i < 3; i++) {
            const int32_t at = i < more ? i : more;
            block.x[i] = windows + at * count;
            block.y[i] = y + (pixel + at) * g->out_c;
            if (i == at) {
                conv2d_f16_mve_widen(p, (pixel + at) / g->out_w, (pixel + at) % g->out_w, x, windows + at * count);
            }
        }
        for (; block.channels > 0; block.channels -= 8, block.w += 8 * count, block.b += 8) {
            conv2d_f16_mve_outputs(p, &block);
            for (int32_t i = 0; i < 3; i++) {
                block.y[i] += 8;
            }
        }
    }
}

#undef CONV2D_F16_WIDE_STEP

#endif
