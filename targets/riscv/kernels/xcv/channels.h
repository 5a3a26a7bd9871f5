/* Sums of products of codes, of four output channels at a time, and the codes that they become. What is packed: layer.py. */
#ifndef TAPEOUT_CHANNELS_H
#define TAPEOUT_CHANNELS_H

#include "xcv.h"

enum { CHANNELS = 4 };

/* Of a channel: where its sums begin, and what turns them into codes. */
typedef struct {
    int32_t bias, mul, add, shift;
} channel;

/* What all channels of a layer share: sums are shifted left by `left` before they are multiplied; `signs` says that negative sums are
 * rounded otherwise. */
typedef struct {
    int32_t left, signs, lo, hi;
} channel_codes;

/* The code of a sum. */
static inline int8_t channel_code(const channel *c, const channel_codes *p, int32_t sum) __attribute__((always_inline));
static inline int8_t channel_code(const channel *c, const channel_codes *p, int32_t sum)
{
    int32_t scaled = xcv_high((int32_t)((uint32_t)sum << p->left), c->mul) + c->add;
    if (p->signs) {
        scaled += sum >> 31;
        scaled += sum >> 31;
    }
    int32_t code = xcv_clip8(scaled >> c->shift);
    code = p->lo > -128 && code < p->lo ? p->lo : code;
    return (int8_t)(p->hi < 127 && code > p->hi ? p->hi : code);
}

/* The sums of four channels of two windows a and b, or of a alone; in one object so that they stay in registers. */
typedef struct {
    int32_t a0, a1, a2, a3, b0, b1, b2, b3;
} channel_sums;

static inline channel_sums channel_start(const channel *c) __attribute__((always_inline));
static inline channel_sums channel_start(const channel *c)
{
    return (channel_sums){c[0].bias, c[1].bias, c[2].bias, c[3].bias, c[0].bias, c[1].bias, c[2].bias, c[3].bias};
}

/* Adds the products of `words` words of two windows, at least one, with weights that lie four channels' words together; returns where the
 * next weights lie. */
static inline const uint32_t *channels_of_two(channel_sums *s, const int8_t *a, const int8_t *b, const uint32_t *w, int32_t words)
    __attribute__((always_inline));
static inline const uint32_t *channels_of_two(channel_sums *s, const int8_t *a, const int8_t *b, const uint32_t *w, int32_t words)
{
#if defined(XCV_ASSEMBLY)
    uint32_t x0, x1, w0, w1, w2, w3;
    __asm volatile(XCV_LOOP("%[words]", "14")
                   "cv.lw %[x0], (%[a]), 4\n"
                   "cv.lw %[w0], (%[w]), 4\n"
                   "cv.lw %[x1], (%[b]), 4\n"
                   "cv.lw %[w1], (%[w]), 4\n"
                   "cv.lw %[w2], (%[w]), 4\n"
                   "cv.lw %[w3], (%[w]), 4\n"
                   "cv.sdotsp.b %[a0], %[x0], %[w0]\n"
                   "cv.sdotsp.b %[b0], %[x1], %[w0]\n"
                   "cv.sdotsp.b %[a1], %[x0], %[w1]\n"
                   "cv.sdotsp.b %[b1], %[x1], %[w1]\n"
                   "cv.sdotsp.b %[a2], %[x0], %[w2]\n"
                   "cv.sdotsp.b %[b2], %[x1], %[w2]\n"
                   "cv.sdotsp.b %[a3], %[x0], %[w3]\n"
                   "cv.sdotsp.b %[b3], %[x1], %[w3]\n"
                   XCV_LOOP_END
                   : [a] "+r"(a), [b] "+r"(b), [w] "+r"(w), [a0] "+r"(s->a0), [a1] "+r"(s->a1), [a2] "+r"(s->a2), [a3] "+r"(s->a3),
                     [b0] "+r"(s->b0), [b1] "+r"(s->b1), [b2] "+r"(s->b2), [b3] "+r"(s->b3), [x0] "=&r"(x0), [x1] "=&r"(x1),
                     [w0] "=&r"(w0), [w1] "=&r"(w1), [w2] "=&r"(w2), [w3] "=&r"(w3)
                   : [words] "r"(words)
                   : "memory");
#else
    for (; words > 0; words--, a += 4, b += 4, w += CHANNELS) {
        const uint32_t x0 = xcv_load(a), x1 = xcv_load(b);
        s->a0 = xcv_dot4(s->a0, x0, w[0]);
        s->b0 = xcv_dot4(s->b0, x1, w[0]);
        s->a1 = xcv_dot4(s->a1, x0, w[1]);
        s->b1 = xcv_dot4(s->b1, x1, w[1]);
        s->a2 = xcv_dot4(s->a2, x0, w[2]);
        s->b2 = xcv_dot4(s->b2, x1, w[2]);
        s->a3 = xcv_dot4(s->a3, x0, w[3]);
        s->b3 = xcv_dot4(s->b3, x1, w[3]);
    }
#endif
    return w;
}

/* The same of the window a alone. */
static inline const uint32_t *channels_of_one(channel_sums *s, const int8_t *a, const uint32_t *w, int32_t words)
    __attribute__((always_inline));
static inline const uint32_t *channels_of_one(channel_sums *s, const int8_t *a, const uint32_t *w, int32_t words)
{
#if defined(XCV_ASSEMBLY)
    uint32_t x0, w0, w1, w2, w3;
    __asm volatile(XCV_LOOP("%[words]", "9")
                   "cv.lw %[x0], (%[a]), 4\n"
                   "cv.lw %[w0], (%[w]), 4\n"
                   "cv.lw %[w1], (%[w]), 4\n"
                   "cv.lw %[w2], (%[w]), 4\n"
                   "cv.lw %[w3], (%[w]), 4\n"
                   "cv.sdotsp.b %[a0], %[x0], %[w0]\n"
                   "cv.sdotsp.b %[a1], %[x0], %[w1]\n"
                   "cv.sdotsp.b %[a2], %[x0], %[w2]\n"
                   "cv.sdotsp.b %[a3], %[x0], %[w3]\n"
                   XCV_LOOP_END
                   : [a] "+r"(a), [w] "+r"(w), [a0] "+r"(s->a0), [a1] "+r"(s->a1), [a2] "+r"(s->a2), [a3] "+r"(s->a3), [x0] "=&r"(x0),
                     [w0] "=&r"(w0), [w1] "=&r"(w1), [w2] "=&r"(w2), [w3] "=&r"(w3)
                   : [words] "r"(words)
                   : "memory");
#else
    for (; words > 0; words--, a += 4, w += CHANNELS) {
        const uint32_t x0 = xcv_load(a);
        s->a0 = xcv_dot4(s->a0, x0, w[0]);
        s->a1 = xcv_dot4(s->a1, x0, w[1]);
        s->a2 = xcv_dot4(s->a2, x0, w[2]);
        s->a3 = xcv_dot4(s->a3, x0, w[3]);
    }
#endif
    return w;
}

/* How a window lies in memory: `runs` runs, `step` bytes apart, of `words` words and one more that begins at `rest`, below the run's last
 * four bytes, if `rest` is not negative. */
typedef struct {
    int32_t runs, step, words, rest;
} channel_window;

/* The codes of four channels at c, of which `count` are there. */
static inline void channels_store(const channel *c, const channel_codes *p, int32_t s0, int32_t s1, int32_t s2, int32_t s3,
                                  int32_t count, int8_t *y) __attribute__((always_inline));
static inline void channels_store(const channel *c, const channel_codes *p, int32_t s0, int32_t s1, int32_t s2, int32_t s3,
                                  int32_t count, int8_t *y)
{
    y[0] = channel_code(&c[0], p, s0);
    if (count > 1) {
        y[1] = channel_code(&c[1], p, s1);
    }
    if (count > 2) {
        y[2] = channel_code(&c[2], p, s2);
    }
    if (count > 3) {
        y[3] = channel_code(&c[3], p, s3);
    }
}

/* All channels of the windows at a and b; `count` channels at ya and yb. */
static inline void channels_two(const channel_window *v, const channel_codes *p, const int8_t *a, const int8_t *b, const channel *c,
                                const uint32_t *w, int32_t count, int8_t *ya, int8_t *yb) __attribute__((always_inline));
static inline void channels_two(const channel_window *v, const channel_codes *p, const int8_t *a, const int8_t *b, const channel *c,
                                const uint32_t *w, int32_t count, int8_t *ya, int8_t *yb)
{
    for (int32_t left = count; left > 0; left -= CHANNELS, c += CHANNELS, ya += CHANNELS, yb += CHANNELS) {
        channel_sums s = channel_start(c);
        for (int32_t run = 0; run < v->runs; run++) {
            const int32_t at = run * v->step;
            if (v->words > 0) {
                w = channels_of_two(&s, a + at, b + at, w, v->words);
            }
            if (v->rest >= 0) {
                w = channels_of_two(&s, a + at + v->rest, b + at + v->rest, w, 1);
            }
        }
        /* The common case first, so that the tests of the leftover stay out of it. */
        if (count % CHANNELS == 0 || left >= CHANNELS) {
            channels_store(c, p, s.a0, s.a1, s.a2, s.a3, CHANNELS, ya);
            channels_store(c, p, s.b0, s.b1, s.b2, s.b3, CHANNELS, yb);
        } else {
            channels_store(c, p, s.a0, s.a1, s.a2, s.a3, left, ya);
            channels_store(c, p, s.b0, s.b1, s.b2, s.b3, left, yb);
        }
    }
}

/* All channels of the window at a. */
static inline void channels_one(const channel_window *v, const channel_codes *p, const int8_t *a, const channel *c, const uint32_t *w,
                                int32_t count, int8_t *y) __attribute__((always_inline));
static inline void channels_one(const channel_window *v, const channel_codes *p, const int8_t *a, const channel *c, const uint32_t *w,
                                int32_t count, int8_t *y)
{
    for (int32_t left = count; left > 0; left -= CHANNELS, c += CHANNELS, y += CHANNELS) {
        channel_sums s = channel_start(c);
        for (int32_t run = 0; run < v->runs; run++) {
            const int32_t at = run * v->step;
            if (v->words > 0) {
                w = channels_of_one(&s, a + at, w, v->words);
            }
            if (v->rest >= 0) {
                w = channels_of_one(&s, a + at + v->rest, w, 1);
            }
        }
        channels_store(c, p, s.a0, s.a1, s.a2, s.a3, count % CHANNELS == 0 || left >= CHANNELS ? CHANNELS : left, y);
    }
}

#endif
