/* Sums of products on PULP's cores, whose registers hold two halves, or a float: panels of outputs that lie side by side, each lane with a
 * sum of its own, in its own order. Two spellings: clang's assembly, and plain C, which says what it computes.
 *
 * An addition or product of floats right behind another one waits for a cycle, one behind another instruction does not; so loads stand
 * between them. vfmac.r.h multiplies both halves of its first operand by the lower half of its second. */
#ifndef TAPEOUT_PULP_H
#define TAPEOUT_PULP_H

#include "cluster.h"
#include "f16.h"
#include <stddef.h>

#if defined(PULP_HALVES) && defined(__riscv_zfinx) && defined(__riscv_xcvmem)
#define PULP_ASSEMBLY
#endif

/* Two nested loops of runs of `count` products of x and w, each step of which goes on by so many bytes. */
typedef struct {
    const uint8_t *x, *w;
    int32_t outer, x_outer, w_outer;
    int32_t inner, x_inner, w_inner;
    int32_t count, x_step, w_step;
} pulp_products;

/* Where sums go: `step` elements apart; b or NULL, the clip. */
typedef struct {
    const void *b;
    void *y;
    int32_t step;
    float lo, hi;
} pulp_result;

enum { PULP_PANEL = 8 }; /* registers of sums */

static inline int32_t pulp_bytes(float_format format)
{
    return format == FORMAT_F16 ? 2 : 4;
}

static inline void pulp_add(float_format, int32_t, const uint8_t *, int32_t, const uint8_t *, int32_t, int32_t, uint32_t *)
    __attribute__((always_inline));
static inline void pulp_add_half(const uint8_t *, int32_t, const uint8_t *, int32_t, int32_t, uint32_t *) __attribute__((always_inline));
static inline void pulp_store(float_format, int32_t, uint32_t *, const pulp_result *, int32_t) __attribute__((always_inline));
static inline void pulp_add_lanes(float_format, int32_t, const uint8_t *, int32_t, const uint8_t *, int32_t, int32_t, uint32_t *)
    __attribute__((always_inline));
static inline void pulp_panel(float_format, int32_t, int32_t, const pulp_products *, const pulp_result *, int32_t) __attribute__((always_inline));
static inline void pulp_half(int32_t, const pulp_products *, const pulp_result *, int32_t) __attribute__((always_inline));
static inline void pulp_sums(float_format, int32_t, const pulp_products *, const pulp_result *, int32_t) __attribute__((always_inline));

#if defined(PULP_ASSEMBLY)
/* The `words` instructions after it, none compressed, run `n` times, at least once. */
#define PULP_LOOP(words) ".balign 4\n.option push\n.option norvc\n.insn i 0x2b, 4, x14, %[n], " words " + 1\n"
#define PULP_LOOP_END ".option pop\n"
#define PULP_F16(sum, w) ".insn r 0x33, 6, 0x48, %[" sum "], %[" w "], %[v]\n"
#define PULP_F32(sum, w) "fmadd.s %[" sum "], %[" w "], %[v], %[" sum "]\n"
#define PULP_POINTERS [x] "+r"(x), [w] "+r"(w), [v] "=&r"(v), [a] "=&r"(a)
#define PULP_STEPS [xs] "r"(x_step), [ws] "r"(w_step), [n] "r"(count)

#define PULP_ADD_8(load, mac) \
    __asm volatile(PULP_LOOP("17") load " %[v], (%[x]), %[xs]\nlw %[a], 4(%[w])\nlw %[c], 8(%[w])\n" \
                   mac("s1", "a") "lw %[a], 12(%[w])\n" mac("s2", "c") "lw %[c], 16(%[w])\n" \
                   mac("s3", "a") "lw %[a], 20(%[w])\n" mac("s4", "c") "lw %[c], 24(%[w])\n" \
                   mac("s5", "a") "lw %[a], 28(%[w])\n" mac("s6", "c") "cv.lw %[c], (%[w]), %[ws]\n" \
                   mac("s7", "a") mac("s0", "c") PULP_LOOP_END \
                   : PULP_POINTERS, [c] "=&r"(c), [s0] "+r"(s[0]), [s1] "+r"(s[1]), [s2] "+r"(s[2]), [s3] "+r"(s[3]), \
                     [s4] "+r"(s[4]), [s5] "+r"(s[5]), [s6] "+r"(s[6]), [s7] "+r"(s[7]) : PULP_STEPS : "memory")
#define PULP_ADD_4(load, mac) \
    __asm volatile(PULP_LOOP("9") load " %[v], (%[x]), %[xs]\nlw %[a], 4(%[w])\nlw %[c], 8(%[w])\n" \
                   mac("s1", "a") "lw %[a], 12(%[w])\n" mac("s2", "c") "cv.lw %[c], (%[w]), %[ws]\n" \
                   mac("s3", "a") mac("s0", "c") PULP_LOOP_END \
                   : PULP_POINTERS, [c] "=&r"(c), [s0] "+r"(s[0]), [s1] "+r"(s[1]), [s2] "+r"(s[2]), [s3] "+r"(s[3]) \
                   : PULP_STEPS : "memory")
#define PULP_ADD_1(load, mac) \
    __asm volatile(PULP_LOOP("3") load " %[v], (%[x]), %[xs]\ncv.lw %[a], (%[w]), %[ws]\n" mac("s0", "a") PULP_LOOP_END \
                   : PULP_POINTERS, [s0] "+r"(s[0]) : PULP_STEPS : "memory")

#define PULP_LANES_F16(sum, x, w) ".insn r 0x33, 2, 0x48, %[" sum "], %[" x "], %[" w "]\n"
#define PULP_LANES_F32(sum, x, w) "fmadd.s %[" sum "], %[" x "], %[" w "], %[" sum "]\n"
#define PULP_ADD_LANES_8(mac) \
    __asm volatile(PULP_LOOP("24") "lw %[v], 4(%[x])\nlw %[a], 4(%[w])\nlw %[c], 8(%[x])\n" \
                   mac("s1", "v", "a") "lw %[a], 8(%[w])\nlw %[v], 12(%[x])\n" mac("s2", "c", "a") "lw %[a], 12(%[w])\nlw %[c], 16(%[x])\n" \
                   mac("s3", "v", "a") "lw %[a], 16(%[w])\nlw %[v], 20(%[x])\n" mac("s4", "c", "a") "lw %[a], 20(%[w])\nlw %[c], 24(%[x])\n" \
                   mac("s5", "v", "a") "lw %[a], 24(%[w])\nlw %[v], 28(%[x])\n" \
                   mac("s6", "c", "a") "lw %[a], 28(%[w])\ncv.lw %[c], (%[x]), %[xs]\n" \
                   mac("s7", "v", "a") "cv.lw %[a], (%[w]), %[ws]\n" mac("s0", "c", "a") PULP_LOOP_END \
                   : PULP_POINTERS, [c] "=&r"(c), [s0] "+r"(s[0]), [s1] "+r"(s[1]), [s2] "+r"(s[2]), [s3] "+r"(s[3]), \
                     [s4] "+r"(s[4]), [s5] "+r"(s[5]), [s6] "+r"(s[6]), [s7] "+r"(s[7]) : PULP_STEPS : "memory")
#define PULP_ADD_LANES_1(mac) \
    __asm volatile(PULP_LOOP("3") "cv.lw %[v], (%[x]), %[xs]\ncv.lw %[a], (%[w]), %[ws]\n" mac("s0", "v", "a") PULP_LOOP_END \
                   : PULP_POINTERS, [s0] "+r"(s[0]) : PULP_STEPS : "memory")

/* Adds `count` > 0 products of 1 or 8 words of x and of w, lane by lane, to as many words of sums. */
static inline void pulp_add_lanes(float_format format, int32_t words, const uint8_t *x, int32_t x_step, const uint8_t *w, int32_t w_step,
                                  int32_t count, uint32_t *s)
{
    uint32_t v, a, c;
    if (format == FORMAT_F16) {
        if (words == 8) {
            PULP_ADD_LANES_8(PULP_LANES_F16);
        } else {
            PULP_ADD_LANES_1(PULP_LANES_F16);
        }
    } else if (words == 8) {
        PULP_ADD_LANES_8(PULP_LANES_F32);
    } else {
        PULP_ADD_LANES_1(PULP_LANES_F32);
    }
}

/* Adds `count` > 0 products of an element of x and 1, 4 or 8 words of w to as many words of sums. */
static inline void pulp_add(float_format format, int32_t words, const uint8_t *x, int32_t x_step, const uint8_t *w, int32_t w_step,
                            int32_t count, uint32_t *s)
{
    uint32_t v, a, c;
    if (format == FORMAT_F16) {
        if (words == 8) {
            PULP_ADD_8("cv.lh", PULP_F16);
        } else if (words == 4) {
            PULP_ADD_4("cv.lh", PULP_F16);
        } else {
            PULP_ADD_1("cv.lh", PULP_F16);
        }
    } else if (words == 8) {
        PULP_ADD_8("cv.lw", PULP_F32);
    } else if (words == 4) {
        PULP_ADD_4("cv.lw", PULP_F32);
    } else {
        PULP_ADD_1("cv.lw", PULP_F32);
    }
}

/* The same for a single half of w. */
static inline void pulp_add_half(const uint8_t *x, int32_t x_step, const uint8_t *w, int32_t w_step, int32_t count, uint32_t *s)
{
    uint32_t v, a;
    __asm volatile(PULP_LOOP("3") "cv.lh %[v], (%[x]), %[xs]\ncv.lh %[a], (%[w]), %[ws]\n"
                   ".insn r4 0x43, 7, 2, %[s0], %[v], %[a], %[s0]\n" PULP_LOOP_END
                   : PULP_POINTERS, [s0] "+r"(s[0]) : PULP_STEPS : "memory");
}

/* Both halves of a + b. */
static inline uint32_t pulp_add_halves(uint32_t a, uint32_t b)
{
    __asm(".insn r 0x33, 2, 0x41, %0, %0, %1" : "+r"(a) : "r"(b));
    return a;
}
#else
static inline uint32_t pulp_add_halves(uint32_t a, uint32_t b)
{
    const uint32_t low = f16_of_float(float_of_f16((uint16_t)a) + float_of_f16((uint16_t)b));
    return low | (uint32_t)f16_of_float(float_of_f16((uint16_t)(a >> 16)) + float_of_f16((uint16_t)(b >> 16))) << 16;
}

static inline uint16_t pulp_mac_half(uint16_t total, uint16_t x, uint16_t w)
{
    return f16_of_float(fma_f16(float_of_f16(x), float_of_f16(w), float_of_f16(total)));
}

static inline uint32_t pulp_mac_halves(uint32_t total, uint32_t x, uint32_t w)
{
    const uint32_t low = pulp_mac_half((uint16_t)total, (uint16_t)x, (uint16_t)w);
    return low | (uint32_t)pulp_mac_half((uint16_t)(total >> 16), (uint16_t)(x >> 16), (uint16_t)(w >> 16)) << 16;
}

static inline void pulp_add(float_format format, int32_t words, const uint8_t *x, int32_t x_step, const uint8_t *w, int32_t w_step,
                            int32_t count, uint32_t *s)
{
    for (int32_t k = 0; k < count; k++) {
        uint32_t v = 0, a;
        memcpy(&v, x + k * x_step, format == FORMAT_F16 ? 2 : 4);
        for (int32_t i = 0; i < words; i++) {
            memcpy(&a, w + k * w_step + 4 * i, 4);
            if (format == FORMAT_F16) {
                s[i] = pulp_mac_halves(s[i], a, v << 16 | v);
            } else {
                s[i] = float_bits(fma_f32(float_of_bits(v), float_of_bits(a), float_of_bits(s[i])));
            }
        }
    }
}

static inline void pulp_add_lanes(float_format format, int32_t words, const uint8_t *x, int32_t x_step, const uint8_t *w, int32_t w_step,
                                  int32_t count, uint32_t *s)
{
    for (int32_t i = 0; i < words; i++) {
        for (int32_t k = 0; k < count; k++) {
            uint32_t v, a;
            memcpy(&v, x + k * x_step + 4 * i, 4);
            memcpy(&a, w + k * w_step + 4 * i, 4);
            if (format == FORMAT_F16) {
                s[i] = pulp_mac_halves(s[i], a, v);
            } else {
                s[i] = float_bits(fma_f32(float_of_bits(v), float_of_bits(a), float_of_bits(s[i])));
            }
        }
    }
}

static inline void pulp_add_half(const uint8_t *x, int32_t x_step, const uint8_t *w, int32_t w_step, int32_t count, uint32_t *s)
{
    for (int32_t k = 0; k < count; k++) {
        uint16_t v, a;
        memcpy(&v, x + k * x_step, 2);
        memcpy(&a, w + k * w_step, 2);
        s[0] = pulp_mac_half((uint16_t)s[0], v, a);
    }
}
#endif

static inline uint32_t pulp_load(const void *from)
{
    uint32_t word;
    memcpy(&word, from, 4);
    return word;
}

/* Whether a clip may change a sum. */
static inline int32_t pulp_clips(const pulp_result *r)
{
    return !(float_bits(r->lo) == 0xff800000u && float_bits(r->hi) == 0x7f800000u);
}

static inline uint32_t pulp_clip_half(uint32_t half, const pulp_result *r)
{
    return f16_of_float(clip_float(float_of_f16((uint16_t)half), r->lo, r->hi));
}

/* What words of sums become, stored from output `o` on. A clip's bound is rounded to f16 as finish_sum does: after the clip. */
static inline void pulp_store(float_format format, int32_t words, uint32_t *s, const pulp_result *r, int32_t o)
{
    if (format == FORMAT_F16) {
        uint16_t *y = (uint16_t *)r->y + o * r->step;
        for (int32_t i = 0; i < words; i++) {
            uint32_t sum = r->b ? pulp_add_halves(s[i], pulp_load((const uint16_t *)r->b + o + 2 * i)) : s[i];
            if (pulp_clips(r)) {
                sum = pulp_clip_half(sum, r) | pulp_clip_half(sum >> 16, r) << 16;
            }
            if (r->step == 1) {
                memcpy(y + 2 * i, &sum, 4);
            } else {
                y[2 * i * r->step] = (uint16_t)sum;
                y[(2 * i + 1) * r->step] = (uint16_t)(sum >> 16);
            }
        }
        return;
    }
    float *y = (float *)r->y + o * r->step;
    for (int32_t i = 0; i < words; i++) {
        const float sum = float_of_bits(s[i]);
        y[i * r->step] = clip_float(r->b ? sum + ((const float *)r->b)[o + i] : sum, r->lo, r->hi);
    }
}

/* Words of outputs from output `o` on; `lanes` says whether each has an element of x of its own. */
static inline void pulp_panel(float_format format, int32_t lanes, int32_t words, const pulp_products *p, const pulp_result *r, int32_t o)
{
    uint32_t s[PULP_PANEL] = {0, 0, 0, 0, 0, 0, 0, 0};
    const uint8_t *x_row = p->x + (lanes ? o : 0) * pulp_bytes(format), *w_row = p->w + o * pulp_bytes(format);
    for (int32_t i = 0; i < p->outer; i++, x_row += p->x_outer, w_row += p->w_outer) {
        const uint8_t *x = x_row, *w = w_row;
        for (int32_t j = 0; j < p->inner; j++, x += p->x_inner, w += p->w_inner) {
            if (lanes) {
                pulp_add_lanes(format, words, x, p->x_step, w, p->w_step, p->count, s);
            } else {
                pulp_add(format, words, x, p->x_step, w, p->w_step, p->count, s);
            }
        }
    }
    pulp_store(format, words, s, r, o);
}

/* The last of an odd number of halves. */
static inline void pulp_half(int32_t lanes, const pulp_products *p, const pulp_result *r, int32_t o)
{
    uint32_t s = 0;
    for (int32_t i = 0; i < p->outer; i++) {
        for (int32_t j = 0; j < p->inner; j++) {
            const uint8_t *x = p->x + (lanes ? 2 * o : 0) + i * p->x_outer + j * p->x_inner;
            pulp_add_half(x, p->x_step, p->w + 2 * o + i * p->w_outer + j * p->w_inner, p->w_step, p->count, &s);
        }
    }
    float sum = float_of_f16((uint16_t)s);
    sum = finish_sum(sum, r->b, o, SUMS_F16, r->lo, r->hi);
    ((uint16_t *)r->y)[o * r->step] = f16_of_float(sum);
}

/* `outputs` sums side by side in w, and where there are `lanes` in x too: all of `p`'s products, of which there may be none. */
static inline void pulp_sums(float_format format, int32_t lanes, const pulp_products *p, const pulp_result *r, int32_t outputs)
{
    const int32_t each = format == FORMAT_F16 ? 2 : 1;
    pulp_products q = *p;
    if (q.count <= 0) {
        q.outer = 0;
    }
    int32_t o = 0;
    for (; o + 8 * each <= outputs; o += 8 * each) {
        pulp_panel(format, lanes, 8, &q, r, o);
    }
    if (!lanes && o + 4 * each <= outputs) {
        pulp_panel(format, lanes, 4, &q, r, o);
        o += 4 * each;
    }
    for (; o + each <= outputs; o += each) {
        pulp_panel(format, lanes, 1, &q, r, o);
    }
    if (o < outputs) {
        pulp_half(lanes, &q, r, o);
    }
}

static inline void pulp_outputs(float_format format, const pulp_products *p, const pulp_result *r, int32_t outputs)
{
    pulp_sums(format, 0, p, r, outputs);
}

/* w rows x columns -> t columns x rows: each core's part, then all of it. */
static inline void pulp_transpose_halves(const uint16_t *w, int32_t rows, int32_t columns, uint16_t *t)
{
    const cluster_range part = cluster_slice(columns, 2);
    for (int32_t o = 0; o < rows; o += 2) {
        const uint16_t *even = w + o * columns, *odd = o + 1 < rows ? even + columns : even;
        for (int32_t k = part.begin; k + 1 < part.end; k += 2) {
            const uint32_t a = pulp_load(even + k), b = pulp_load(odd + k);
            const uint32_t first = b << 16 | (a & 0xffffu), second = (b & 0xffff0000u) | a >> 16;
            if (o + 1 < rows) {
                memcpy(t + k * rows + o, &first, 4);
                memcpy(t + (k + 1) * rows + o, &second, 4);
            } else {
                t[k * rows + o] = (uint16_t)a;
                t[(k + 1) * rows + o] = (uint16_t)(a >> 16);
            }
        }
        if ((part.end - part.begin) % 2) {
            const int32_t k = part.end - 1;
            t[k * rows + o] = even[k];
            if (o + 1 < rows) {
                t[k * rows + o + 1] = odd[k];
            }
        }
    }
    cluster_barrier();
}

static inline void pulp_transpose(float_format format, const void *w, int32_t rows, int32_t columns, void *t)
{
    if (format == FORMAT_F16) {
        pulp_transpose_halves(w, rows, columns, t);
        return;
    }
    const cluster_range part = cluster_slice(columns, 1);
    for (int32_t o = 0; o < rows; o++) {
        for (int32_t k = part.begin; k < part.end; k++) {
            ((float *)t)[k * rows + o] = ((const float *)w)[o * columns + k];
        }
    }
    cluster_barrier();
}

#endif
