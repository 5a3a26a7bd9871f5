"""Softmax over the last axis."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f32 import exp_f32
from ..fixed import INT32_MAX, INT32_MIN, Int, Rounding, doubling_high_multiply, multiplier, shift_right
from ..ir import F32, Array, FType, Op, Param, QType, Type, Types

OUTPUT = QType(8, True, (1 / 256,), (-128,))
MAX_CODES = 4095  # longer rows could overflow the 32-bit sum, which has 12 integer bits
_FRACTION = 26  # bits of fraction in the argument of the exponential, which has 5 integer bits
_EXP_EIGHTH, _THIRD = 1895147668, 715827883  # e**-(1/8) and 1/3, in units of 2**-31
# e**-(2**k) for k = -2 .. 4, in units of 2**-31
_EXP_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
_48_17, _32_17 = 1515870810, 1010580540  # in units of 2**-29: where Newton's division begins


@dataclass(frozen=True)
class Softmax(Op):
    """Input `x` (..., C); output of the same shape, `exp(beta * x) / sum(exp(beta * x))` over C.

    Integers: the fixed-point arithmetic of TensorFlow Lite's reference kernel on gemmlowp (reference/softmax.h),
    to codes of scale 1/256 and zero point -128. `mul` and `left` hold `beta * scale`: an input that lies `d`
    codes below the largest has the exponent `d * 2**left * mul / 2**31`, in units of 2**-26; see `for_codes`.
    float32: `e = exp_f32(x - max)`, the sum of `e` from +0 over C ascending, one division each; `beta` is 1. A NaN in a
    row makes all of it NaN; the maximum is taken from minus infinity by "greater", so NaN never is it.
    """

    mul: int = 0
    left: int = 0

    @classmethod
    def for_codes(cls, scale: float, beta: float = 1.0) -> Softmax:
        """The op for codes of this scale. Raises TapeoutError when `beta * scale` is below 2**-26, which has no factor."""
        real = min(beta * scale * (1 << _FRACTION), float(INT32_MAX))
        if not real > 1:
            raise TapeoutError(f"softmax with beta * scale = {beta * scale!r} has no fixed-point factor; it must exceed 2**-26")
        mul, shift = multiplier(real) if real < 1 << 30 else _large(real)
        return cls(mul, 31 - shift)

    @property
    def least(self) -> int:
        """The codes below the largest from which on the exponential counts as zero."""
        return -((31 << _FRACTION) >> self.left)

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if not x.shape:
            raise TapeoutError("softmax takes at least one axis")
        if isinstance(x.q, FType):
            return (Type(x.shape, F32),)
        if not (1 << 30 <= self.mul <= INT32_MAX and 0 <= self.left <= 31):
            raise TapeoutError("softmax of integer codes takes the factor that Softmax.for_codes gives")
        if x.shape[-1] > MAX_CODES:
            raise TapeoutError(f"softmax of integer codes takes rows of up to {MAX_CODES}, got {x.dims}")
        return (Type(x.shape, OUTPUT),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        (x,) = arrays
        if x.dtype == np.float32:
            return (_floats(x),)
        below = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
        counts = below >= self.least
        scaled = doubling_high_multiply(np.where(counts, below, 0) << self.left, self.mul)
        e = np.where(counts, exp_of_negative(scaled), 0)
        total = shift_right(e, 12, Rounding.HALF_AWAY).sum(axis=-1, keepdims=True)
        headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)  # leading zeros of 32 bits
        inverse = reciprocal((total << headroom) - (1 << 31))
        y = shift_right(doubling_high_multiply(inverse, e), 35 - headroom, Rounding.HALF_AWAY) - 128
        return (np.clip(y, -128, 127).astype(np.int8),)

    def params(self, types: Types) -> dict[str, Param]:
        (x,) = types
        assert x
        shape: dict[str, Param] = {"rows": x.size // x.shape[-1], "columns": x.shape[-1]}
        return shape if isinstance(x.q, FType) else {**shape, "mul": self.mul, "left": self.left, "least": self.least}


def _large(real: float) -> tuple[int, int]:
    """(mul, shift) of a real from 2**30 on, where the shift is 0 or 1."""
    mul, shift = multiplier(real / 4)
    return mul, shift - 2


def _floats(x: Array) -> Array:
    largest = np.full(x.shape[:-1], -np.inf, np.float32)
    for i in range(x.shape[-1]):
        largest = np.where(x[..., i] > largest, x[..., i], largest)
    e: Array = exp_f32(x - largest[..., None])
    total = np.zeros(x.shape[:-1], np.float32)
    for i in range(x.shape[-1]):
        total += e[..., i]
    return e / total[..., None]


def exp_of_negative(a: Int) -> Int:
    """e**a for `a` <= 0 in units of 2**-26, in units of 2**-31; gemmlowp's `exp_on_negative_values`.

    The part below a quarter goes through a polynomial of fourth order around -1/8, the rest is a product of powers.
    """
    quarter = 1 << (_FRACTION - 2)
    low = (a & (quarter - 1)) - quarter
    x = (low << 5) + (1 << 28)
    x2 = doubling_high_multiply(x, x)
    x3, x4 = doubling_high_multiply(x2, x), doubling_high_multiply(x2, x2)
    tail = doubling_high_multiply(shift_right(x4, 2, Rounding.HALF_AWAY) + x3, _THIRD) + x2
    y = _EXP_EIGHTH + doubling_high_multiply(x + shift_right(tail, 1, Rounding.HALF_AWAY), _EXP_EIGHTH)
    quarters = (low - a) >> (_FRACTION - 2)
    for bit, power in enumerate(_EXP_POWERS):
        y = np.where(quarters >> bit & 1, doubling_high_multiply(y, power), y)
    return np.where(a == 0, INT32_MAX, y)


def reciprocal(x: Int) -> Int:
    """1 / (1 + x) for 0 <= `x` < 1, both in units of 2**-31; three steps of Newton, gemmlowp's `one_over_one_plus_x`."""
    half = (x + INT32_MAX + 1) >> 1
    y = _48_17 + doubling_high_multiply(half, -_32_17)
    for _ in range(3):
        error = (1 << 29) - doubling_high_multiply(half, y)
        y = y + np.clip(doubling_high_multiply(y, error) << 2, INT32_MIN, INT32_MAX)
    result: Int = np.clip(y << 1, INT32_MIN, INT32_MAX)
    return result
