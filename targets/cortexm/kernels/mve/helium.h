/* What the Helium kernels of layers share: text of their assembly, which reads the stream of layer.py by r3. The rounding is that of
 * targets/high_word.py, on four sums at a time. */
#ifndef TAPEOUT_HELIUM_H
#define TAPEOUT_HELIUM_H

#include <stdint.h>

/* How sums become codes. */
typedef struct {
    int32_t doubled; /* whether the high word is that of the doubled product, rounded: TensorFlow Lite's rounding */
    int32_t signs;   /* whether negative sums round otherwise */
    int32_t lo, hi;
} helium_codes;

#define HELIUM_CODES(p) [doubled] "i"((p).doubled), [signs] "i"((p).signs), [lo] "i"((p).lo), [hi] "i"((p).hi)

/* The next four words of the stream. */
#define HELIUM_LOAD(q) "vldrw.u32 " q ", [r3], #16\n"

/* The high word of sums by multipliers; `sign` takes the sums' signs. */
#define HELIUM_SCALE(sum, mul, sign)                                                                                                       \
    ".if %c[signs]\n"                                                                                                                      \
    "vshr.s32 " sign ", " sum ", #31\n"                                                                                                    \
    ".endif\n"                                                                                                                             \
    ".if %c[doubled]\n"                                                                                                                    \
    "vqrdmulh.s32 " sum ", " sum ", " mul "\n"                                                                                             \
    ".else\n"                                                                                                                              \
    "vmulh.s32 " sum ", " sum ", " mul "\n"                                                                                                \
    ".endif\n"

/* Rounds by a shift to the right, of which `shift` is the negative. */
#define HELIUM_SHIFT(sum, add, shift, sign)                                                                                                \
    "vadd.i32 " sum ", " sum ", " add "\n"                                                                                                 \
    ".if %c[signs]\n"                                                                                                                      \
    "vadd.i32 " sum ", " sum ", " sign "\n"                                                                                                \
    ".endif\n"                                                                                                                             \
    "vshl.s32 " sum ", " sum ", " shift "\n"

/* Eight codes in the even bytes of q0 from the words of q0 and q1, those of q0 in bytes 0, 4, ...; clipped. */
#define HELIUM_NARROW                                                                                                                      \
    "vqmovnb.s32 q0, q0\n"                                                                                                                 \
    "vqmovnt.s32 q0, q1\n"                                                                                                                 \
    "vqmovnb.s16 q0, q0\n"                                                                                                                 \
    ".if %c[lo] > -128\n"                                                                                                                  \
    "vmov.i8 q1, #%c[lo] & 0xff\n"                                                                                                         \
    "vmax.s8 q0, q0, q1\n"                                                                                                                 \
    ".endif\n"                                                                                                                             \
    ".if %c[hi] < 127\n"                                                                                                                   \
    "vmov.i8 q1, #%c[hi] & 0xff\n"                                                                                                         \
    "vmin.s8 q0, q0, q1\n"                                                                                                                 \
    ".endif\n"

/* Eight codes of 16 bits in q0, those of q0 in the even half-words; clipped. */
#define HELIUM_NARROW_16                                                                                                                   \
    "vqmovnb.s32 q0, q0\n"                                                                                                                 \
    "vqmovnt.s32 q0, q1\n"                                                                                                                 \
    ".if %c[lo] > -32768\n"                                                                                                                \
    "movw r0, #%c[lo] & 0xffff\n"                                                                                                          \
    "vdup.16 q1, r0\n"                                                                                                                     \
    "vmax.s16 q0, q0, q1\n"                                                                                                                \
    ".endif\n"                                                                                                                             \
    ".if %c[hi] < 32767\n"                                                                                                                 \
    "movw r0, #%c[hi] & 0xffff\n"                                                                                                          \
    "vdup.16 q1, r0\n"                                                                                                                     \
    "vmin.s16 q0, q0, q1\n"                                                                                                                \
    ".endif\n"

/* Four sums each in q0 and q1, from the even registers in which VMLADAVA can add. */
#define HELIUM_GATHER_SUMS                                                                                                                 \
    "vmov q0[2], q0[0], r0, r4\n"                                                                                                          \
    "vmov q0[3], q0[1], r2, r6\n"                                                                                                          \
    "vmov q1[2], q1[0], r8, r12\n"                                                                                                         \
    "vmov q1[3], q1[1], r10, lr\n"

/* 512 lines. gcc takes an instruction for each line of an assembly's text, which .rept makes more; it must not believe the code behind
 * to be nearer than it is. */
#define HELIUM_LINES_8 "\n\n\n\n\n\n\n\n"
#define HELIUM_LINES_64                                                                                                                    \
    HELIUM_LINES_8 HELIUM_LINES_8 HELIUM_LINES_8 HELIUM_LINES_8 HELIUM_LINES_8 HELIUM_LINES_8 HELIUM_LINES_8 HELIUM_LINES_8
#define HELIUM_ROOM                                                                                                                        \
    HELIUM_LINES_64 HELIUM_LINES_64 HELIUM_LINES_64 HELIUM_LINES_64 HELIUM_LINES_64 HELIUM_LINES_64 HELIUM_LINES_64 HELIUM_LINES_64

/* All registers but r1, which points to what the assembly reads at its start. */
#define HELIUM_CLOBBERS                                                                                                                    \
    "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory", "q0", "q1", "q2", "q3", "q4", "q5",   \
        "q6", "p0"

/* Copies `count` bytes, of any alignment. */
static inline void helium_copy(int8_t *to, const int8_t *from, int32_t count)
{
    __asm volatile("wlstp.8 lr, %[count], 2f\n"
                   "1: vldrb.u8 q0, [%[from]], #16\n"
                   "vstrb.8 q0, [%[to]], #16\n"
                   "letp lr, 1b\n"
                   "2:\n"
                   : [to] "+r"(to), [from] "+r"(from)
                   : [count] "r"(count)
                   : "lr", "cc", "memory", "q0");
}

/* Sets `count` bytes to `code`. */
static inline void helium_fill(int8_t *to, int32_t code, int32_t count)
{
    __asm volatile("vdup.8 q0, %[code]\n"
                   "wlstp.8 lr, %[count], 2f\n"
                   "1: vstrb.8 q0, [%[to]], #16\n"
                   "letp lr, 1b\n"
                   "2:\n"
                   : [to] "+r"(to)
                   : [count] "r"(count), [code] "r"(code)
                   : "lr", "cc", "memory", "q0");
}

/* Copies `count` bytes each of `rows` rows, one at least, which are `most` bytes at most. */
static inline void helium_copy_rows(int8_t *to, int32_t to_step, const int8_t *from, int32_t from_step, int32_t count, int32_t most,
                                    int32_t rows)
{
    if (most > 16) {
        for (int32_t i = 0; i < rows; i++) {
            helium_copy(to + i * to_step, from + i * from_step, count);
        }
        return;
    }
    __asm volatile("vctp.8 %[count]\n"
                   "dls lr, %[rows]\n"
                   "1: vpstt\n"
                   "vldrbt.u8 q0, [%[from]]\n"
                   "vstrbt.8 q0, [%[to]]\n"
                   "add %[from], %[from_step]\n"
                   "add %[to], %[to_step]\n"
                   "le lr, 1b\n"
                   : [to] "+r"(to), [from] "+r"(from)
                   : [count] "r"(count), [rows] "r"(rows), [to_step] "r"(to_step), [from_step] "r"(from_step)
                   : "lr", "cc", "memory", "q0", "p0");
}

#endif
