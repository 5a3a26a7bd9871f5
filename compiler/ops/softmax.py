"""Softmax over the last axis."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow, widen
from ..f32 import exp_f32
from ..fixed import INT32_MAX, Rounding, doubling_high_multiply, multiplier, shift_right
from ..gemmlowp import exp_of_negative, one_over_one_plus
from ..ir import Array, FType, Op, Param, QType, Type, Types

OUTPUT = QType(8, True, (1 / 256,), (-128,))
MAX_CODES = 4095  # longer rows could overflow the 32-bit sum, which has 12 integer bits
_INTEGER_BITS, _FRACTION = 5, 26  # of the argument of the exponential


@dataclass(frozen=True)
class Softmax(Op):
    """Input `x` (..., C); output of the same shape, `exp(beta * x) / sum(exp(beta * x))` over C.

    Integers: the fixed-point arithmetic of TensorFlow Lite's reference kernel on gemmlowp (reference/softmax.h),
    to codes of scale 1/256 and zero point -128. `mul` and `left` hold `beta * scale`: an input that lies `d`
    codes below the largest has the exponent `d * 2**left * mul / 2**31`, in units of 2**-26; see `for_codes`.
    floats, computed in float32: `e = exp_f32(x - max)`, the sum of `e` from +0 over C ascending, one division each; `beta` is 1. A NaN in a
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
            return (Type(x.shape, x.q),)
        if not (1 << 30 <= self.mul <= INT32_MAX and 0 <= self.left <= 31):
            raise TapeoutError("softmax of integer codes takes the factor that Softmax.for_codes gives")
        if x.shape[-1] > MAX_CODES:
            raise TapeoutError(f"softmax of integer codes takes rows of up to {MAX_CODES}, got {x.dims}")
        return (Type(x.shape, OUTPUT),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        (x,) = arrays
        assert types[0]
        if isinstance(types[0].q, FType):
            return (narrow(_floats(widen(x)), types[0].q),)
        below = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
        counts = below >= self.least
        scaled = doubling_high_multiply(np.where(counts, below, 0) << self.left, self.mul)
        e = np.where(counts, exp_of_negative(scaled, _INTEGER_BITS), 0)
        total = shift_right(e, 12, Rounding.HALF_AWAY).sum(axis=-1, keepdims=True)
        headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)  # leading zeros of 32 bits
        inverse = one_over_one_plus((total << headroom) - (1 << 31))
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
