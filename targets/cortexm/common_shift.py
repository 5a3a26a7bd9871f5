"""Requantization whose last shift is the same in every channel, so that it is a part of the saturating instruction: two per output.

A sum, times a power of two of the channel, times a multiplier, the high word of that, plus a number, shifted: with weights of 16 bits the
power of two is a part of the weights. Where the channel's power brings its shift to the common one, the multiplier stays as it is. Where it
would be a fraction, the multiplier loses bits instead. The rounding itself may be any; that the codes are its codes is proved for each channel,
by its own multiplier, at every sum where a code begins and at the sum before, which is all, as both rise with the sum.
TensorFlow Lite's two roundings are one floor where x is not negative: `floor(floor(s * mul / 2^31 + 1/2) / 2^r + 1/2)`; where codes below
the zero point are clipped, as after ReLU, that is all of them.
"""
from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from tapeout.compiler.fixed import INT32_MAX, Int, Rounding, requantize
from tapeout.compiler.ir import Array
from tapeout.compiler.ops.requant import Requant

_SMALLEST_SHIFT, _LARGEST_SHIFT = 1, 30


@dataclass(frozen=True)
class CommonShift:
    """`codes = (((sum << power) * mul >> 32) + add) >> shift`, saturated to 8 bits and clipped; arrays are int64 (C,)."""

    power: Int
    mul: Int
    add: Int
    shift: int

    def codes(self, sums: Int) -> Int:
        """What the kernel computes of sums (C, N), before it clips."""
        mul, add, power = (a[:, np.newaxis] for a in (self.mul, self.add, self.power))
        return np.asarray(np.clip(((((sums << power) * mul) >> 32) + add) >> self.shift, -128, 127))


def common_shift(requant: Requant, mul: Array, shift: Array, sums: Array, weights: Array) -> CommonShift | str:
    """The form for multipliers and shifts (C,), sums of at most `sums` (C,) and largest magnitudes of weights (C,), or why there is none."""
    mul, shift = mul.astype(np.int64), shift.astype(np.int64)
    if mul.min() < 0:
        return "a negative multiplier"
    if max(sums) > INT32_MAX:
        return "sums of more than 32 bits"
    sums = sums.astype(np.int64)
    room = np.minimum(_room(weights, (1 << 15) - 1), _room(sums, INT32_MAX))
    begins = _begins(requant, mul, shift, sums)
    for common in range(min(_LARGEST_SHIFT, int((room + shift).min()) - 32), _SMALLEST_SHIFT - 1, -1):
        power = np.where(common + 32 - shift >= 0, common + 32 - shift, room)
        form = _proved(requant, CommonShift(power, mul, np.zeros_like(mul), common), shift, sums, begins)
        if form is not None:
            return form
    return f"rounding {requant.rounding} with multipliers of no common shift"


def _room(magnitudes: Array, most: int) -> Int:
    """How far magnitudes may be shifted to the left so that they are at most `most`; 16 at most."""
    return np.array([max(k for k in range(17) if int(m) << k <= most) for m in magnitudes], np.int64)


def _begins(requant: Requant, mul: Int, shift: Int, sums: Array) -> Int:
    """(C, codes): the least sum of each channel, within its bounds, whose code is at least lo + 1 .. hi; one more than the bound if none is."""
    codes = np.arange(requant.lo + 1, requant.hi + 1)
    bound = sums[:, np.newaxis]
    low, high = np.broadcast_to(-bound, (len(mul), len(codes))), np.broadcast_to(bound + 1, (len(mul), len(codes)))
    while (low < high).any():
        middle = (low + high) >> 1
        reached = requantize(middle, mul[:, np.newaxis], shift[:, np.newaxis], requant.rounding) + requant.output.zero[0] >= codes
        low, high = np.where(reached | (low >= high), low, middle + 1), np.where(reached, middle, high)
    return np.asarray(low)


def _proved(requant: Requant, form: CommonShift, shift: Int, sums: Array, begins: Int) -> CommonShift | None:
    """The form with the multipliers and additions that give the rounding's codes in every channel, if there are such."""
    lost = shift + form.power - 32 - form.shift
    mul = (form.mul + ((np.int64(1) << lost) >> 1)) >> lost
    half = 0 if requant.rounding is Rounding.FLOOR else 1 << (form.shift - 1)
    add = np.full_like(mul, half + (requant.output.zero[0] << form.shift))
    if requant.rounding is Rounding.TFLITE:
        add += (np.int64(1) << form.shift) >> np.clip(shift - 30, 0, 62)
    open = np.ones(len(mul), bool)
    for add_more, mul_more in product((0, 1, -1, 2, -2), (0, 1, -1)):
        tried = CommonShift(form.power, np.where(open, mul + mul_more * (lost > 0), form.mul), np.where(open, add + add_more, form.add), form.shift)
        form, open = tried, ~_equal(requant, tried, sums, begins)
        if not open.any():
            return form
    return None


def _equal(requant: Requant, form: CommonShift, sums: Array, begins: Int) -> Array:
    """(C,): whether nothing leaves 32 bits on the way, and the codes lo + 1 .. hi begin where they should."""
    bound, codes = sums[:, np.newaxis], np.arange(requant.lo + 1, requant.hi + 1)
    largest = (((bound[:, 0] << form.power) * form.mul) >> 32) + np.abs(form.add) + 1
    at, before = form.codes(np.minimum(begins, bound)), form.codes(np.maximum(begins - 1, -bound))
    begun = (at >= codes) | (begins > bound)
    return np.asarray((largest <= INT32_MAX) & (form.mul <= INT32_MAX) & (begun & ((before < codes) | (begins == -bound))).all(axis=1))
