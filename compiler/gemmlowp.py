"""Fixed-point functions of the gemmlowp library (fixedpoint/fixedpoint.h), which TensorFlow Lite's softmax, logistic and tanh use.

A 32-bit number with b integer bits counts in units of 2**(b - 31). The C twin of what softmax needs is in `targets/c/kernels/softmax.h`.
"""
from __future__ import annotations

import numpy as np

from .fixed import INT32_MAX, INT32_MIN, Int, Rounding, doubling_high_multiply, shift_right

_EXP_EIGHTH, _THIRD = 1895147668, 715827883  # e**-(1/8) and 1/3, with 0 integer bits
_EXP_POWERS = {-2: 1672461947, -1: 1302514674, 0: 790015084, 1: 290630308, 2: 39332535, 3: 720401, 4: 242}  # e**-(2**key), likewise
_48_17, _32_17 = 1515870810, 1010580540  # with 2 integer bits: where Newton's division begins


def exp_of_negative(a: Int, integer_bits: int) -> Int:
    """e**a with 0 integer bits, for `a` <= 0 with up to 5 `integer_bits`; gemmlowp's `exp_on_negative_values`.

    The part below a quarter goes through a polynomial of fourth order around -1/8, the rest is a product of powers.
    """
    fraction = 31 - integer_bits
    quarter = 1 << (fraction - 2)
    low = (a & (quarter - 1)) - quarter
    x = (low << integer_bits) + (1 << 28)
    x2 = doubling_high_multiply(x, x)
    x3, x4 = doubling_high_multiply(x2, x), doubling_high_multiply(x2, x2)
    tail = doubling_high_multiply(shift_right(x4, 2, Rounding.HALF_AWAY) + x3, _THIRD) + x2
    y = _EXP_EIGHTH + doubling_high_multiply(x + shift_right(tail, 1, Rounding.HALF_AWAY), _EXP_EIGHTH)
    for power, factor in _EXP_POWERS.items():
        if power < integer_bits:
            y = np.where((low - a) & (1 << (fraction + power)), doubling_high_multiply(y, factor), y)
    return np.where(a == 0, INT32_MAX, y)


def one_over_one_plus(x: Int) -> Int:
    """1 / (1 + x) for `x` in 0 .. 1, both with 0 integer bits."""
    return _saturated(_reciprocal_of_half(x) << 1)


def one_minus_over_one_plus(x: Int) -> Int:
    """(1 - x) / (1 + x) for `x` in 0 .. 1, both with 0 integer bits."""
    return _saturated((_reciprocal_of_half(x) - (1 << 29)) << 2)


def _reciprocal_of_half(x: Int) -> Int:
    """2 / (1 + x) with 2 integer bits, for `x` in 0 .. 1 with 0 integer bits, by three steps of Newton."""
    half = (x + INT32_MAX + 1) >> 1
    y: Int = _48_17 + doubling_high_multiply(half, -_32_17)
    for _ in range(3):
        error = (1 << 29) - doubling_high_multiply(half, y)
        y = y + _saturated(doubling_high_multiply(y, error) << 2)
    return y


def _saturated(x: Int) -> Int:
    return np.clip(x, INT32_MIN, INT32_MAX)
