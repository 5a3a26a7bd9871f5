"""Requantization whose last shift is the same in every channel, so that it is a part of the saturating instruction: two per output.

    code = ((sum * 2^power + more) * mul / 2^32 + add) / 2^shift, both divisions rounded down, saturated to 8 bits and clipped

With weights of 16 bits the power of two is a part of the weights. Where the channel's power brings its own shift to the common one, its
multiplier stays as it is; where that would take a fraction, the multiplier loses bits instead. Whatever the rounding: a code begins at
some least sum, which is found by bisection. With the slope given, each code asks of `more * mul + add * 2^32` that the form gives it at
this sum, and not at the sum before. Numbers in the interval that is left by all codes are a proof, as both sides rise with the sum.
TensorFlow Lite's two roundings are of this form where codes below the zero point are clipped, as after ReLU: they are one floor where
the product is not negative, `floor(floor(sum * mul / 2^31 + 1/2) / 2^r + 1/2)`.
"""
from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from tapeout.compiler.fixed import INT32_MAX, Int, requantize
from tapeout.compiler.ir import Array
from tapeout.compiler.ops.requant import Requant

_SMALLEST_SHIFT, _LARGEST_SHIFT = 1, 20
_LARGEST_POWER = 16
_FAR = np.int64(1) << 62


@dataclass(frozen=True)
class CommonShift:
    """The numbers of each channel, int64 (C,)."""

    power: Int
    more: Int
    mul: Int
    add: Int
    shift: int

    def codes(self, sums: Int) -> Int:
        """What the kernel computes of sums (C, N), before it clips."""
        power, more, mul, add = (a[:, np.newaxis] for a in (self.power, self.more, self.mul, self.add))
        return np.asarray(np.clip((((((sums << power) + more) * mul) >> 32) + add) >> self.shift, -128, 127))


@dataclass(frozen=True)
class _Layer:
    """Of each channel, int64 (C,): multiplier, shift and the largest magnitude of a sum; (C, codes) where the codes lo + 1 .. hi begin."""

    mul: Int
    shift: Int
    sums: Int
    codes: Int
    begins: Int

    def part(self, channels: Int) -> _Layer:
        return _Layer(self.mul[channels], self.shift[channels], self.sums[channels], self.codes, self.begins[channels])


def common_shift(requant: Requant, mul: Array, shift: Array, sums: Array, weights: Array) -> CommonShift | str:
    """The form for multipliers and shifts (C,), or why there is none; `sums` and `weights` (C,) are the largest magnitudes."""
    if mul.min() < 0:
        return "a negative multiplier"
    if max(sums) > INT32_MAX:
        return "sums of more than 32 bits"
    room = np.minimum(_room(weights, (1 << 15) - 1), _room(sums, INT32_MAX))
    layer = _layer(requant, mul.astype(np.int64), shift.astype(np.int64), sums.astype(np.int64))
    for common in range(min(_LARGEST_SHIFT, int((room + layer.shift).min()) - 32), _SMALLEST_SHIFT - 1, -1):
        if (form := _with_shift(layer, room, common)) is not None:
            return form
    return f"rounding {requant.rounding} with multipliers of no common shift"


def _room(magnitudes: Array, most: int) -> Int:
    """How far magnitudes may be shifted to the left so that they are at most `most`."""
    return np.array([max(k for k in range(_LARGEST_POWER + 1) if int(m) << k <= most) for m in magnitudes], np.int64)


def _layer(requant: Requant, mul: Int, shift: Int, sums: Int) -> _Layer:
    """With the least sum, within its bounds, of a code of at least lo + 1 .. hi; one more than the bound if there is none."""
    codes = np.arange(requant.lo + 1, requant.hi + 1)
    low, high = (np.broadcast_to(a[:, np.newaxis], (len(mul), len(codes))) for a in (-sums, sums + 1))
    while (low < high).any():
        middle = (low + high) >> 1
        code = requantize(middle, mul[:, np.newaxis], shift[:, np.newaxis], requant.rounding) + requant.output.zero[0]
        low, high = np.where((code >= codes) | (low >= high), low, middle + 1), np.where(code >= codes, middle, high)
    return _Layer(mul, shift, sums, codes, np.asarray(low))


def _with_shift(layer: _Layer, room: Int, common: int) -> CommonShift | None:
    """The form with this shift, if every channel has numbers for it."""
    least = np.maximum(common + 32 - layer.shift, 0)
    power, more, mul, add = (np.zeros_like(layer.mul) for _ in range(4))
    open = np.arange(len(layer.mul))
    for powers, mul_more in product((0, 2, 4, 8), (0, 1, -1)):
        tried, proved = _tried(layer.part(open), np.minimum(least[open] + powers, room[open]), common, mul_more)
        power[open], more[open], mul[open], add[open] = tried.power, tried.more, tried.mul, tried.add
        open = open[~proved]
        if not len(open):
            return CommonShift(power, more, mul, add, common)
    return None


def _tried(layer: _Layer, power: Int, common: int, mul_more: int) -> tuple[CommonShift, Array]:
    """The form with these powers and rounded multipliers, and whether it is proved (C,); `mul_more` is for those that lose bits."""
    lost = layer.shift + power - 32 - common
    mul = np.maximum(((layer.mul + ((np.int64(1) << lost) >> 1)) >> lost) + mul_more * (lost > 0), 0)
    least, below = _interval(layer, power, common, mul)
    add = least >> 32
    more = -(-(least - (add << 32)) // np.maximum(mul, 1))
    upper = ((add + 1) << 32) < below  # without `more`, which most channels need not have
    add, more = np.where(upper, add + 1, add), np.where(upper, 0, more)
    begin = (layer.sums << power) + more
    largest = np.maximum(((begin * mul) >> 32) + np.abs(add) + 1, np.maximum(begin, mul))
    return CommonShift(power, more, mul, add, common), (more * mul + (add << 32) < below) & (largest <= INT32_MAX)


def _interval(layer: _Layer, power: Int, common: int, mul: Int) -> tuple[Int, Int]:
    """What `more * mul + add * 2^32` must at least be, and what it must be below (C,), for the codes to begin where they should."""
    bound, slope = layer.sums[:, np.newaxis], (mul << power)[:, np.newaxis]
    codes = layer.codes.astype(np.int64) << (32 + common)
    reached, passed = layer.begins <= bound, layer.begins > -bound
    least = np.where(reached, codes - layer.begins * slope, -_FAR).max(axis=1, initial=-_FAR)
    below = np.where(passed, codes - (layer.begins - 1) * slope, _FAR).min(axis=1, initial=_FAR)
    return np.where(least > -_FAR, least, below - (np.int64(1) << 32)), below
