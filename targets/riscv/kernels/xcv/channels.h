/* Sums of products of codes, of four output channels at a time, and the codes that they become. What is packed: layer.py. */
#ifndef TAPEOUT_CHANNELS_H
#define TAPEOUT_CHANNELS_H

#include "xcv.h"

enum { CHANNELS = 4, WINDOWS = 3 }; /* that are summed together */

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

/* The sums of four channels of the windows a, b and c; in registers, as all that take it are inlined. */
typedef struct {
    int32_t a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3;
} channel_sums;

static inline channel_sums channel_start(const channel *c) __attribute__((always_inline));
static inline channel_sums channel_start(const channel *c)
{
    const int32_t s0 = c[0].bias, s1 = c[1].bias, s2 = c[2].bias, s3 = c[3].bias;
    return (channel_sums){s0, s1, s2, s3, s0, s1, s2, s3, s0, s1, s2, s3};
}

/* Adds the products of `words` words of three windows, at least one, with weights that lie four channels' words together; returns where
 * the next weights lie. */
static inline const uint32_t *channels_of_three(channel_sums *s, const int8_t *a, const int8_t *b, const int8_t *c, const uint32_t *w,
                                                int32_t words) __attribute__((always_inline));
static inline const uint32_t *channels_of_three(channel_sums *s, const int8_t *a, const int8_t *b, const int8_t *c, const uint32_t *w,
                                                int32_t words)
{
#if defined(XCV_ASSEMBLY)
    uint32_t x0, x1, x2, w0, w1, w2, w3;
    __asm volatile(XCV_LOOP("%[words]", "19")
                   "cv.lw %[x0], (%[a]), 4\n"
                   "cv.lw %[w0], (%[w]), 4\n"
                   "cv.lw %[x1], (%[b]), 4\n"
                   "cv.lw %[x2], (%[c]), 4\n"
                   "cv.lw %[w1], (%[w]), 4\n"
                   "cv.lw %[w2], (%[w]), 4\n"
                   "cv.lw %[w3], (%[w]), 4\n"
                   "cv.sdotsp.b %[a0], %[x0], %[w0]\n"
                   "cv.sdotsp.b %[b0], %[x1], %[w0]\n"
                   "cv.sdotsp.b %[c0], %[x2], %[w0]\n"
                   "cv.sdotsp.b %[a1], %[x0], %[w1]\n"
                   "cv.sdotsp.b %[b1], %[x1], %[w1]\n"
                   "cv.sdotsp.b %[c1], %[x2], %[w1]\n"
                   "cv.sdotsp.b %[a2], %[x0], %[w2]\n"
                   "cv.sdotsp.b %[b2], %[x1], %[w2]\n"
                   "cv.sdotsp.b %[c2], %[x2], %[w2]\n"
                   "cv.sdotsp.b %[a3], %[x0], %[w3]\n"
                   "cv.sdotsp.b %[b3], %[x1], %[w3]\n"
                   "cv.sdotsp.b %[c3], %[x2], %[w3]\n"
                   XCV_LOOP_END
                   : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [w] "+r"(w), [a0] "+r"(s->a0), [a1] "+r"(s->a1), [a2] "+r"(s->a2),
                     [a3] "+r"(s->a3), [b0] "+r"(s->b0), [b1] "+r"(s->b1), [b2] "+r"(s->b2), [b3] "+r"(s->b3), [c0] "+r"(s->c0),
                     [c1] "+r"(s->c1), [c2] "+r"(s->c2), [c3] "+r"(s->c3), [x0] "=&r"(x0), [x1] "=&r"(x1), [x2] "=&r"(x2),
                     [w0] "=&r"(w0), [w1] "=&r"(w1), [w2] "=&r"(w2), [w3] "=&r"(w3)
                   : [words] "r"(words)
                   : "memory");
#else
    for (; words > 0; words--, a += 4, b += 4, c += 4, w += CHANNELS) {
        const uint32_t x0 = xcv_load(a), x1 = xcv_load(b), x2 = xcv_load(c);
        s->a0 = xcv_dot4(s->a0, x0, w[0]);
        s->b0 = xcv_dot4(s->b0, x1, w[0]);
        s->c0 = xcv_dot4(s->c0, x2, w[0]);
        s->a1 = xcv_dot4(s->a1, x0, w[1]);
        s->b1 = xcv_dot4(s->b1, x1, w[1]);
        s->c1 = xcv_dot4(s->c1, x2, w[1]);
        s->a2 = xcv_dot4(s->a2, x0, w[2]);
        s->b2 = xcv_dot4(s->b2, x1, w[2]);
        s->c2 = xcv_dot4(s->c2, x2, w[2]);
        s->a3 = xcv_dot4(s->a3, x0, w[3]);
        s->b3 = xcv_dot4(s->b3, x1, w[3]);
        s->c3 = xcv_dot4(s->c3, x2, w[3]);
    }
#endif
    return w;
}

/* The same of two windows. */
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

/* The same of one window. */
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

/* The products of so many windows, as above, `apart` bytes from each other. */
static inline const uint32_t *channels_add(int32_t windows, channel_sums *s, const int8_t *x, int32_t apart, const uint32_t *w,
                                           int32_t words) __attribute__((always_inline));
static inline const uint32_t *channels_add(int32_t windows, channel_sums *s, const int8_t *x, int32_t apart, const uint32_t *w,
                                           int32_t words)
{
    switch (windows) {
    case 1:
        return channels_of_one(s, x, w, words);
    case 2:
        return channels_of_two(s, x, x + apart, w, words);
    default:
        return channels_of_three(s, x, x + apart, x + 2 * apart, w, words);
    }
}

/* The codes of four channels at c, of which `count` are there. */
static inline void channels_codes(const channel *c, const channel_codes *p, int32_t s0, int32_t s1, int32_t s2, int32_t s3,
                                  int32_t count, int8_t *y) __attribute__((always_inline));
static inline void channels_codes(const channel *c, const channel_codes *p, int32_t s0, int32_t s1, int32_t s2, int32_t s3,
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

/* The same of so many windows. */
static inline void channels_store(int32_t windows, const channel *c, const channel_codes *p, const channel_sums *s, int32_t count,
                                  int8_t *y, int32_t beside) __attribute__((always_inline));
static inline void channels_store(int32_t windows, const channel *c, const channel_codes *p, const channel_sums *s, int32_t count,
                                  int8_t *y, int32_t beside)
{
    channels_codes(c, p, s->a0, s->a1, s->a2, s->a3, count, y);
    if (windows > 1) {
        channels_codes(c, p, s->b0, s->b1, s->b2, s->b3, count, y + beside);
    }
    if (windows > 2) {
        channels_codes(c, p, s->c0, s->c1, s->c2, s->c3, count, y + 2 * beside);
    }
}

/* All channels of `windows` windows, one to three, that lie `apart` bytes from each other, the first at x; `count` channels each at y, and
 * `beside` bytes on for the next window. */
static inline void channels_all(int32_t windows, const channel_window *v, const channel_codes *p, const int8_t *x, int32_t apart,
                                const channel *c, const uint32_t *w, int32_t count, int8_t *y, int32_t beside)
    __attribute__((always_inline));
static inline void channels_all(int32_t windows, const channel_window *v, const channel_codes *p, const int8_t *x, int32_t apart,
                                const channel *c, const uint32_t *w, int32_t count, int8_t *y, int32_t beside)
{
    for (int32_t left = count; left > 0; left -= CHANNELS, c += CHANNELS, y += CHANNELS) {
        channel_sums s = channel_start(c);
        for (int32_t run = 0; run < v->runs; run++) {
            const int8_t *at = x + run * v->step;
            if (v->words > 0) {
                w = channels_add(windows, &s, at, apart, w, v->words);
            }
            if (v->rest >= 0) {
                w = channels_add(windows, &s, at + v->rest, apart, w, 1);
            }
        }
        const int32_t here = count % CHANNELS == 0 || left >= CHANNELS ? CHANNELS : left;
        if (here == CHANNELS) { /* so that the common case asks nothing */
            channels_store(windows, c, p, &s, CHANNELS, y, beside);
        } else {
            channels_store(windows, c, p, &s, here, y, beside);
        }
    }
}

/* A row of `count` windows, as above. */
static inline void channels_row(int32_t windows, const channel_window *v, const channel_codes *p, const int8_t *x, int32_t apart,
                                const channel *c, const uint32_t *w, int32_t count, int8_t *y, int32_t beside)
    __attribute__((always_inline));
static inline void channels_row(int32_t windows, const channel_window *v, const channel_codes *p, const int8_t *x, int32_t apart,
                                const channel *c, const uint32_t *w, int32_t count, int8_t *y, int32_t beside)
{
    for (; windows >= WINDOWS; windows -= WINDOWS, x += WINDOWS * apart, y += WINDOWS * beside) {
        channels_all(WINDOWS, v, p, x, apart, c, w, count, y, beside);
    }
    if (windows == 2) {
        channels_all(2, v, p, x, apart, c, w, count, y, beside);
    } else if (windows == 1) {
        channels_all(1, v, p, x, apart, c, w, count, y, beside);
    }
}

#endif
