"""exp, log, sigmoid, tanh and the fused multiply-add in float32, to the bit. The C twin is `targets/c/kernels/f32.h`.

Each is a fixed sequence of float32 additions, multiplications and divisions, every one rounded to
nearest even before the next, so that any machine with IEEE 754 arithmetic, in hardware or in software,
gives the same bits. They use no fused multiply-add, no library function, no wider format; denormal numbers are kept.
Any NaN gives the one quiet NaN 0x7fc00000.

The coefficients are our own: minimax fits by the exchange algorithm of Remez in float64, rounded to
float32 one after another from the lowest power, the others fitted again after each. Largest errors over
all 2**32 inputs against float64, in units in the last place: exp 0.99, sigmoid 2.41, tanh 1.46;
of log, whose coefficients are those of its series, over all from 1 on: 1.97.
"""
from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]


def _hex(text: str) -> np.float32:
    return np.float32(float.fromhex(text))


_NAN = np.uint32(0x7FC00000).view(np.float32)

EXP_MAX = _hex("0x1.62e42ep+6")  # the largest input whose exponential is finite
EXP_MIN = _hex("-0x1.9fe368p+6")  # the smallest whose exponential does not round to zero
LOG2_E = _hex("0x1.715476p+0")
LN2_HI = _hex("0x1.62e4p-1")  # 15 significant bits, so that its product with |n| < 2**9 is exact
LN2_LO = _hex("0x1.7f7d1cp-20")  # the rest of ln 2

# (e**r - 1 - r) / r**2 for |r| <= ln(2) / 2, lowest power first
EXP_TERMS = tuple(_hex(t) for t in ("0x1.fffffcp-2", "0x1.55548ap-3", "0x1.55584ep-5", "0x1.123f3p-7", "0x1.6ad15ep-10"))

TANH_SMALL = _hex("0x1.19999ap-1")  # 0.55, below which the polynomial is used
# (tanh a - a) / a**3 in powers of a**2 for a <= 0.55, lowest first
TANH_TERMS = tuple(_hex(t) for t in ("-0x1.55554cp-2", "0x1.110d6ap-3", "-0x1.b931fcp-5", "0x1.598278p-6", "-0x1.9c94b8p-8"))

SQRT_2 = _hex("0x1.6a09e6p+0")
# 2 atanh(s) / s - 2 over s**2, for |s| <= 0.172, lowest power first: 2/3, 2/5, 2/7, 2/9
LOG_TERMS = tuple(_hex(t) for t in ("0x1.555556p-1", "0x1.99999ap-2", "0x1.24924ap-2", "0x1.c71c72p-3"))

_HALF, _ONE, _TWO = np.float32(0.5), np.float32(1), np.float32(2)


def _horner(terms: tuple[np.float32, ...], x: Float) -> Float:
    """The polynomial with these coefficients, lowest power first, from the highest power down."""
    total: Float = np.full_like(x, terms[-1])
    for term in reversed(terms[:-1]):
        total = total * x + term
    return total


def _power_of_two(n: npt.NDArray[np.int32]) -> Float:
    """2**n for -126 <= n <= 127, by the bits of the exponent."""
    return ((n + 127) << 23).astype(np.uint32).view(np.float32)


def exp_f32(x: npt.NDArray[Any]) -> Float:
    """e**x of float32 numbers: `2**n * (1 + (r + r * r * p(r)))` with `r = (x - n * LN2_HI) - n * LN2_LO`.

    `n` is the integer nearest to x / ln 2. The scaling takes two steps, by 2**(n / 2) and by the rest,
    so that a denormal result is rounded once, and that n = 128 needs no special case.
    """
    x = np.asarray(x, np.float32)
    with np.errstate(all="ignore"):
        safe = np.where((x >= EXP_MIN) & (x <= EXP_MAX), x, np.float32(0))
        scaled = safe * LOG2_E
        n = (scaled + np.where(scaled >= 0, _HALF, -_HALF)).astype(np.int32)
        whole = n.astype(np.float32)
        r = (safe - whole * LN2_HI) - whole * LN2_LO
        y = _ONE + (r + r * r * _horner(EXP_TERMS, r))
        first = np.trunc(n / 2).astype(np.int32)
        y = y * _power_of_two(first) * _power_of_two(n - first)
    y = np.where(x > EXP_MAX, np.float32(np.inf), np.where(x < EXP_MIN, np.float32(0), y))
    return np.where(np.isnan(x), _NAN, y)


def sigmoid_f32(x: npt.NDArray[Any]) -> Float:
    """1 / (1 + e**-x): with `e = exp(-|x|)`, `1 / (1 + e)` for x >= 0 and `e / (1 + e)` below."""
    x = np.asarray(x, np.float32)
    e = exp_f32(-np.abs(x))
    y = np.where(x >= 0, _ONE, e) / (_ONE + e)
    return np.where(np.isnan(x), _NAN, y)


def tanh_f32(x: npt.NDArray[Any]) -> Float:
    """tanh: with `a = |x|`, `a + a * s * p(s)`, `s = a * a`, for a < 0.55, else `1 - 2 / (exp(2 * a) + 1)`; then the sign of x."""
    x = np.asarray(x, np.float32)
    a = np.abs(x)
    with np.errstate(all="ignore"):
        small = np.where(a < TANH_SMALL, a, np.float32(0))
        square = small * small
        near = small + small * square * _horner(TANH_TERMS, square)
        far = _ONE - _TWO / (exp_f32(_TWO * a) + _ONE)
    y = np.copysign(np.where(a < TANH_SMALL, near, far), x)
    return np.where(np.isnan(x), _NAN, y)


def log_f32(x: npt.NDArray[Any]) -> Float:
    """The natural logarithm of finite float32 numbers from 1 on, such as sums of exponentials; NaN for all others.

    With `x = 2**n * m` and m in sqrt(2) / 2 .. sqrt(2), `s = (m - 1) / (m + 1)`:
    `n * LN2_HI + (2 * s + (s * s * s * p(s * s) + n * LN2_LO))`.
    """
    x = np.asarray(x, np.float32)
    inside = (x >= _ONE) & (x < np.inf)
    bits = np.where(inside, x, _ONE).view(np.uint32)
    m = ((bits & np.uint32(0x7FFFFF)) | np.uint32(0x3F800000)).view(np.float32)
    large = m > SQRT_2
    n = ((bits >> np.uint32(23)).astype(np.int32) - 127 + large).astype(np.float32)
    m = np.where(large, m * _HALF, m)
    s = (m - _ONE) / (m + _ONE)
    square = s * s
    y = n * LN2_HI + (_TWO * s + (s * square * _horner(LOG_TERMS, square) + n * LN2_LO))
    return np.where(inside, y, _NAN)


_REST, _MIDDLE = np.int64((1 << 29) - 1), np.int64(1 << 28)  # the bits that float64 has below those of float32, and those of a midpoint
_LEAST_NORMAL = 2.0**-126


def fma_f32(x: npt.NDArray[Any], w: npt.NDArray[Any], total: npt.NDArray[Any]) -> Float:
    """`x * w + total` of float32 numbers, rounded once to float32, to nearest even; 0 - 0 is +0.

    By float64. The product p is exact there: 48 bits, exponents of -298 to 255. The sum s of p and `total` is rounded to 53 bits, then
    to float32, which gives the number nearest to the exact sum unless s lies on a midpoint of two float32 numbers and the exact sum beside
    it: rounding to 53 bits is monotone, so that it crosses no midpoint, as those are float64 numbers themselves. Where s is such a
    midpoint, or less than the least normal number of float32, whose midpoints lie elsewhere, it is rounded to odd instead: of the two
    float64 numbers around the exact sum it becomes the one whose last bit is 1. Rounded again to at least two bits less, that gives what
    the exact sum does (Boldo and Melquiond, Emulation of FMA and correctly rounded sums, IEEE Transactions on Computers 57(4), 2008). The
    error of the sum, which tells the side, is exact by Knuth's TwoSum, as nothing overflows or underflows in float64.
    """
    with np.errstate(all="ignore"):
        product = np.multiply(x, w, dtype=np.float64)
        total = np.broadcast_to(np.asarray(total, np.float64), np.broadcast_shapes(product.shape, np.shape(total)))
        product = np.broadcast_to(product, total.shape)
        total_sum = np.asarray(product + total)
        doubtful = ((total_sum.view(np.int64) & _REST) == _MIDDLE) | (np.abs(total_sum) < _LEAST_NORMAL)
        if doubtful.any():
            total_sum[doubtful] = _to_odd(product[doubtful], total[doubtful], total_sum[doubtful])
        return np.asarray(total_sum.astype(np.float32))


def _to_odd(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], rounded: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The sum a + b rounded to odd, where `rounded` is that to nearest; all are finite."""
    other = rounded - a
    error = (a - (rounded - other)) + (b - other)
    bits = rounded.view(np.int64)
    moved = np.where((error > 0) == (rounded > 0), bits + 1, bits - 1).view(np.float64)  # away from zero, or towards it
    return np.where((error != 0) & (bits & 1 == 0), moved, rounded)


def softplus_f32(x: npt.NDArray[Any]) -> Float:
    """log(1 + e**x) of finite float32 numbers: `max(x, 0) + log(1 + exp(-|x|))`."""
    x = np.asarray(x, np.float32)
    y: Float = np.maximum(x, np.float32(0)) + log_f32(_ONE + exp_f32(-np.abs(x)))
    return y


def root_f32(x: npt.NDArray[Any]) -> Float:
    """The square root of normal float32 numbers, 0 for all below: half of the exponent by a shift of the bits, then four steps of Newton,
    `y = 0.5 * (y + x / y)`."""
    x = np.asarray(x, np.float32)
    inside = x >= np.float32(2.0**-126)
    safe: Float = np.where(inside, x, _ONE)
    y: Float = ((safe.view(np.uint32) >> np.uint32(1)) + np.uint32(0x1FC00000)).view(np.float32)
    for _ in range(4):
        y = _HALF * (y + safe / y)
    return np.where(inside, y, np.float32(0))
