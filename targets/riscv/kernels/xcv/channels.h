/* Sums of products of codes, of four output channels at a time, and the codes that they become. What is packed: layer.py. */
#ifndef TAPEOUT_CHANNELS_H
#define TAPEOUT_CHANNELS_H

#include "codes.h"

enum { CHANNELS = 4, WINDOWS = 4 }; /* that are summed together */

/* The sums of four channels of the windows a to d; in registers, as all that take it are inlined. */
typedef struct {
    int32_t a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3;
} channel_sums;

/* `numbers` lie from one channel to the next. */
static inline channel_sums channel_start(const int32_t *c, int32_t numbers) __attribute__((always_inline));
static inline channel_sums channel_start(const int32_t *c, int32_t numbers)
{
    const int32_t s0 = c[START], s1 = c[numbers + START], s2 = c[2 * numbers + START], s3 = c[3 * numbers + START];
    return (channel_sums){s0, s1, s2, s3, s0, s1, s2, s3, s0, s1, s2, s3, s0, s1, s2, s3};
}

#if !defined(XCV_ASSEMBLY)
/* Adds the products of a word with those of four channels. */
static inline void channels_word(uint32_t x, const uint32_t *w, int32_t *s0, int32_t *s1, int32_t *s2, int32_t *s3)
{
    *s0 = xcv_dot4(*s0, x, w[0]);
    *s1 = xcv_dot4(*s1, x, w[1]);
    *s2 = xcv_dot4(*s2, x, w[2]);
    *s3 = xcv_dot4(*s3, x, w[3]);
}
#endif

/* Adds the products of `words` words, at least one, of four windows that lie `apart` bytes from each other, with weights that lie four
 * channels' words together; returns where the next weights lie. */
static inline const uint32_t *channels_of_four(channel_sums *s, const int8_t *x, int32_t apart, const uint32_t *w, int32_t words)
    __attribute__((always_inline));
static inline const uint32_t *channels_of_four(channel_sums *s, const int8_t *x, int32_t apart, const uint32_t *w, int32_t words)
{
#if defined(XCV_ASSEMBLY)
    int32_t back = 4 - 3 * apart;
    uint32_t x0, x1, x2, x3, w0, w1;
    /* `w1` may be in the register of `words`, as there is none left: what is only read is read first. */
    __asm volatile(XCV_LOOP("%[words]", "24")
                   "cv.lw %[x0], (%[x]), %[apart]\n"
                   "cv.lw %[w0], (%[w]), 4\n"
                   "cv.lw %[x1], (%[x]), %[apart]\n"
                   "cv.lw %[x2], (%[x]), %[apart]\n"
                   "cv.lw %[x3], (%[x]), %[back]\n"
                   "cv.lw %[w1], (%[w]), 4\n"
                   "cv.sdotsp.b %[a0], %[x0], %[w0]\n"
                   "cv.sdotsp.b %[b0], %[x1], %[w0]\n"
                   "cv.sdotsp.b %[c0], %[x2], %[w0]\n"
                   "cv.sdotsp.b %[d0], %[x3], %[w0]\n"
                   "cv.lw %[w0], (%[w]), 4\n"
                   "cv.sdotsp.b %[a1], %[x0], %[w1]\n"
                   "cv.sdotsp.b %[b1], %[x1], %[w1]\n"
                   "cv.sdotsp.b %[c1], %[x2], %[w1]\n"
                   "cv.sdotsp.b %[d1], %[x3], %[w1]\n"
                   "cv.lw %[w1], (%[w]), 4\n"
                   "cv.sdotsp.b %[a2], %[x0], %[w0]\n"
                   "cv.sdotsp.b %[b2], %[x1], %[w0]\n"
                   "cv.sdotsp.b %[c2], %[x2], %[w0]\n"
                   "cv.sdotsp.b %[d2], %[x3], %[w0]\n"
                   "cv.sdotsp.b %[a3], %[x0], %[w1]\n"
                   "cv.sdotsp.b %[b3], %[x1], %[w1]\n"
                   "cv.sdotsp.b %[c3], %[x2], %[w1]\n"
                   "cv.sdotsp.b %[d3], %[x3], %[w1]\n"
                   XCV_LOOP_END
                   : [x] "+r"(x), [w] "+r"(w), [apart] "+r"(apart), [back] "+r"(back), [a0] "+r"(s->a0), [a1] "+r"(s->a1), [a2] "+r"(s->a2), [a3] "+r"(s->a3), [b0] "+r"(s->b0),
                     [b1] "+r"(s->b1), [b2] "+r"(s->b2), [b3] "+r"(s->b3), [c0] "+r"(s->c0), [c1] "+r"(s->c1), [c2] "+r"(s->c2),
                     [c3] "+r"(s->c3), [d0] "+r"(s->d0), [d1] "+r"(s->d1), [d2] "+r"(s->d2), [d3] "+r"(s->d3), [x0] "=&r"(x0),
                     [x1] "=&r"(x1), [x2] "=&r"(x2), [x3] "=&r"(x3), [w0] "=&r"(w0), [w1] "=r"(w1)
                   : [words] "r"(words)
                   : "memory");
#else
    for (; words > 0; words--, x += 4, w += CHANNELS) {
        channels_word(xcv_load(x), w, &s->a0, &s->a1, &s->a2, &s->a3);
        channels_word(xcv_load(x + apart), w, &s->b0, &s->b1, &s->b2, &s->b3);
        channels_word(xcv_load(x + 2 * apart), w, &s->c0, &s->c1, &s->c2, &s->c3);
        channels_word(xcv_load(x + 3 * apart), w, &s->d0, &s->d1, &s->d2, &s->d3);
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
        channels_word(xcv_load(a), w, &s->a0, &s->a1, &s->a2, &s->a3);
        channels_word(xcv_load(b), w, &s->b0, &s->b1, &s->b2, &s->b3);
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
        channels_word(xcv_load(a), w, &s->a0, &s->a1, &s->a2, &s->a3);
    }
#endif
    return w;
}

/* How a window lies in memory: `runs` runs, `step` bytes apart, of `words` words and one more that begins at `rest`, below the run's last
 * four bytes, if `rest` is not negative. */
typedef struct {
    int32_t runs, step, words, rest;
} channel_window;

/* The products of one, two or four windows, as above, `apart` bytes from each other. */
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
        return channels_of_four(s, x, apart, w, words);
    }
}

/* The codes of four sums of so many windows, as words, in their place. */
static inline void channels_codes(int32_t windows, const int32_t *c, const channel_codes *p, int32_t *s0, int32_t *s1, int32_t *s2,
                                  int32_t *s3) __attribute__((always_inline));
static inline void channels_codes(int32_t windows, const int32_t *c, const channel_codes *p, int32_t *s0, int32_t *s1, int32_t *s2,
                                  int32_t *s3)
{
    *s0 = (int32_t)channel_code(c, p, *s0);
    if (windows > 1) {
        *s1 = (int32_t)channel_code(c, p, *s1);
    }
    if (windows > 2) {
        *s2 = (int32_t)channel_code(c, p, *s2);
        *s3 = (int32_t)channel_code(c, p, *s3);
    }
}

/* The codes of words, of which `count` are there. */
static inline void channels_store(int32_t s0, int32_t s1, int32_t s2, int32_t s3, int32_t count, int8_t *y) __attribute__((always_inline));
static inline void channels_store(int32_t s0, int32_t s1, int32_t s2, int32_t s3, int32_t count, int8_t *y)
{
    if (count >= CHANNELS) {
        const uint32_t word = codes_of_words((uint32_t)s0, (uint32_t)s1, (uint32_t)s2, (uint32_t)s3);
        memcpy(y, &word, CHANNELS);
        return;
    }
    y[0] = code_of_word((uint32_t)s0);
    if (count > 1) {
        y[1] = code_of_word((uint32_t)s1);
    }
    if (count > 2) {
        y[2] = code_of_word((uint32_t)s2);
    }
}

/* What became of the sums of so many windows: `count` codes each, the first at y, `beside` bytes from each other. */
static inline void channels_out(int32_t windows, const channel_sums *s, int32_t count, int8_t *y, int32_t beside)
    __attribute__((always_inline));
static inline void channels_out(int32_t windows, const channel_sums *s, int32_t count, int8_t *y, int32_t beside)
{
    channels_store(s->a0, s->a1, s->a2, s->a3, count, y);
    if (windows > 1) {
        channels_store(s->b0, s->b1, s->b2, s->b3, count, y + beside);
    }
    if (windows > 2) {
        channels_store(s->c0, s->c1, s->c2, s->c3, count, y + 2 * beside);
        channels_store(s->d0, s->d1, s->d2, s->d3, count, y + 3 * beside);
    }
}

/* All channels of one, two or four windows, that lie `apart` bytes from each other, the first at x; `count` channels each at y, and
 * `beside` bytes on for the next window. */
static inline void channels_all(int32_t windows, const channel_window *v, const channel_codes *p, const int8_t *x, int32_t apart,
                                const int32_t *c, const uint32_t *w, int32_t count, int8_t *y, int32_t beside)
    __attribute__((always_inline));
static inline void channels_all(int32_t windows, const channel_window *v, const channel_codes *p, const int8_t *x, int32_t apart,
                                const int32_t *c, const uint32_t *w, int32_t count, int8_t *y, int32_t beside)
{
    const int32_t n = p->numbers;
    for (int32_t left = count; left > 0; left -= CHANNELS, c += CHANNELS * n, y += CHANNELS) {
        channel_sums s = channel_start(c, n);
        for (int32_t run = 0; run < v->runs; run++) {
            const int8_t *at = x + run * v->step;
            if (v->words > 0) {
                w = channels_add(windows, &s, at, apart, w, v->words);
            }
            if (v->rest >= 0) {
                w = channels_add(windows, &s, at + v->rest, apart, w, 1);
            }
        }
        channels_codes(windows, c, p, &s.a0, &s.b0, &s.c0, &s.d0);
        channels_codes(windows, c + n, p, &s.a1, &s.b1, &s.c1, &s.d1);
        channels_codes(windows, c + 2 * n, p, &s.a2, &s.b2, &s.c2, &s.d2);
        channels_codes(windows, c + 3 * n, p, &s.a3, &s.b3, &s.c3, &s.d3);
        if (count % CHANNELS == 0 || left >= CHANNELS) { /* so that the common case asks nothing */
            channels_out(windows, &s, CHANNELS, y, beside);
        } else {
            channels_out(windows, &s, left, y, beside);
        }
    }
}

/* A row of `count` windows, as above. */
static inline void channels_row(int32_t windows, const channel_window *v, const channel_codes *p, const int8_t *x, int32_t apart,
                                const int32_t *c, const uint32_t *w, int32_t count, int8_t *y, int32_t beside)
    __attribute__((always_inline));
static inline void channels_row(int32_t windows, const channel_window *v, const channel_codes *p, const int8_t *x, int32_t apart,
                                const int32_t *c, const uint32_t *w, int32_t count, int8_t *y, int32_t beside)
{
    for (; windows >= WINDOWS; windows -= WINDOWS, x += WINDOWS * apart, y += WINDOWS * beside) {
        channels_all(WINDOWS, v, p, x, apart, c, w, count, y, beside);
    }
    if (windows & 2) {
        channels_all(2, v, p, x, apart, c, w, count, y, beside);
        x += 2 * apart;
        y += 2 * beside;
    }
    if (windows & 1) {
        channels_all(1, v, p, x, apart, c, w, count, y, beside);
    }
}

#endif
