"""Every rounding and saturation rule of integer arithmetic, once. The C twin is `targets/c/kernels/fixed.h`."""
from __future__ import annotations

import math
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Int = npt.NDArray[np.int64]
IntLike = npt.NDArray[Any] | int

INT32_MAX, INT32_MIN = (1 << 31) - 1, -(1 << 31)


class Rounding(StrEnum):
    """How a product `x * mul / 2**shift` becomes an integer.

    HALF_UP    floor(v + 1/2): CMSIS-NN built with CMSIS_NN_USE_SINGLE_ROUNDING; our default
    TFLITE     twice, as TensorFlow Lite Micro does by default: a doubling high multiply rounded half up (half
               away from zero for exact negative ties), then a right shift rounded half away from zero
    HALF_AWAY  half away from zero: average pooling of TensorFlow Lite
    HALF_EVEN  half to even: ONNX QuantizeLinear, QONNX
    FLOOR      towards minus infinity
    """

    HALF_UP = "half_up"
    TFLITE = "tflite"
    HALF_AWAY = "half_away"
    HALF_EVEN = "half_even"
    FLOOR = "floor"


def shift_right(x: IntLike, shift: IntLike, rounding: Rounding) -> Int:
    """`x / 2**shift` rounded; `shift` >= 0. Raises ValueError for TFLITE, which rounds products alone; see `requantize`."""
    x, shift = np.asarray(x, np.int64), np.asarray(shift, np.int64)
    floor = (x >> shift).astype(np.int64)
    return _rounded(x, floor, x - (floor << shift), np.int64(1) << shift, rounding)


def divide(x: IntLike, by: IntLike, rounding: Rounding) -> Int:
    """`x / by` rounded; `by` > 0. Raises ValueError for TFLITE, which rounds products alone; see `requantize`."""
    x, by = np.asarray(x, np.int64), np.asarray(by, np.int64)
    floor: Int = x // by
    return _rounded(x, floor, x - floor * by, by, rounding)


def _rounded(x: Int, floor: Int, remainder: Int, whole: Int, rounding: Rounding) -> Int:
    """`x / whole` from its floor and what that leaves of `x`."""
    twice = remainder << 1
    match rounding:
        case Rounding.FLOOR:
            return floor
        case Rounding.HALF_UP:
            up = twice >= whole
        case Rounding.HALF_AWAY:
            up = (twice > whole) | ((twice == whole) & (x >= 0))
        case Rounding.HALF_EVEN:
            up = (twice > whole) | ((twice == whole) & (floor & 1 == 1))
        case Rounding.TFLITE:
            raise ValueError("TFLITE rounds a product, not a quotient")
    return floor + up.astype(np.int64)


def doubling_high_multiply(a: IntLike, b: IntLike) -> Int:
    """round(a * b / 2**31) for 32-bit a and b, saturated in the single case of overflow.

    The nudge of a negative product is one smaller and the division truncates: ARM's SQRDMULH as the
    gemmlowp library models it in C++ (`SaturatingRoundingDoublingHighMul`, gemmlowp fixedpoint.h).
    """
    a, b = np.asarray(a, np.int64), np.asarray(b, np.int64)
    product = a * b
    nudged = product + np.where(product >= 0, np.int64(1 << 30), np.int64(1 - (1 << 30)))
    truncated = np.where(nudged >= 0, nudged >> 31, -((-nudged) >> 31))
    return np.minimum(truncated, INT32_MAX)


def requantize(x: IntLike, mul: IntLike, shift: IntLike, rounding: Rounding) -> Int:
    """`x * mul / 2**shift` rounded: `mul` fits 32 bits, 1 <= `shift` <= 62, and the product fits 64 bits, as it does for `x` of 32.

    TFLITE takes `x` of 32 bits and `mul` >= 0, and applies the shift in two parts: to the left of the multiply for what
    `shift` is below 31, where `x << (31 - shift)` must fit 32 bits, to the right for what it is above.
    """
    x, mul, shift = np.asarray(x, np.int64), np.asarray(mul, np.int64), np.asarray(shift, np.int64)
    if rounding is not Rounding.TFLITE:
        return shift_right(x * mul, shift, rounding)
    left, right = np.maximum(31 - shift, 0), np.maximum(shift - 31, 0)
    return shift_right(doubling_high_multiply(x << left, mul), right, Rounding.HALF_AWAY)


def multiplier(real: float, bits: int = 31) -> tuple[int, int]:
    """(mul, shift) with `real = mul / 2**shift` to `bits` (1 to 31) bits, 2**(bits - 1) <= mul < 2**bits; (0, bits) for what underflows.

    The rounding of `mul` is that of TensorFlow Lite's QuantizeMultiplier (half away from zero), which has 31 bits. Fewer bits leave
    room in 64 for sums of more than 32.

    Raises ValueError when `real` is negative, not finite, or rounds to 2**(bits - 1) and above.
    """
    largest = 2.0 ** (bits - 1)
    if not (0 <= real < largest - 0.25):  # from there on so many bits round to the power of two
        raise ValueError(f"multiplier {real!r} is outside 0 .. 2**{bits - 1}")
    if real == 0:
        return 0, bits
    fraction, exponent = math.frexp(real)
    mul = math.floor(fraction * (1 << bits) + 0.5)
    if mul == 1 << bits:
        mul, exponent = mul // 2, exponent + 1
    if bits - exponent > 62:
        return 0, bits
    return mul, bits - exponent


def round_half_away(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The nearest integer of each float, ties away from zero, in the format of `x`."""
    truncated = np.trunc(x)
    away = np.where(np.abs(x - truncated) >= x.dtype.type(0.5), np.copysign(x.dtype.type(1), x), x.dtype.type(0))
    rounded: npt.NDArray[Any] = truncated + away
    return rounded
