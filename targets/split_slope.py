"""Requantization by products of 32 bits alone, for cores that have no longer ones: a line whose slope is split in two.

    u = sum - least, at least 0 and at most `most`
    code = (u * whole + ((u >> 4) * fraction >> 12) + add) >> 24, modulo 2^32, of which the low 8 bits are the code's

`whole` and `fraction` (16 bits) are the slope, 2^24 to a code. Sums below `least` all give the lowest code and sums beyond `least + most`
the highest, so that the bounds of u are the saturation too. Where halves are rounded away from zero, on the way or at the end, codes below
zero begin later: `add` has another value below u = `bend`.
Whatever the rounding: a code begins at some least sum, which is found by bisection. With the slope given, each code asks of `add` that
the line reaches it at this sum, and not at the sum before. A number in the interval that is left by all codes is a proof, as the line
rises with the sum; slopes nearby are tried until there is one. The C twins are cortexm/kernels/thumb/split_slope.h and
riscv/kernels/xcv/channels.h.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapeout.compiler.fixed import INT32_MAX, Int, requantize
from tapeout.compiler.ir import Array
from tapeout.compiler.ops.requant import Requant

_CODE = 1 << 24  # of the line, one code
_LOST, _DROPPED, _FRACTION = 4, 12, 1 << 16  # bits of u that the fraction does not see, and of its product
_MOST = 1 << 20  # of u, so that this product has 32 bits
LEAST_CODE, MOST_CODE = -128, 127  # of an input
_NEAR = sorted(range(-40, 41), key=abs)  # fractions that are tried, about the nearest one


@dataclass(frozen=True)
class SplitSlope:
    """The numbers of each channel, int64 (C,)."""

    least: Int
    most: Int
    whole: Int
    fraction: Int
    bend: Int
    below: Int  # `add` below `bend`
    add: Int

    @property
    def bent(self) -> bool:
        return bool((self.below != self.add).any())

    def codes(self, sums: Int) -> Int:
        """What the kernel computes of sums (C, N)."""
        least, most, whole, fraction, bend, below, add = (a[:, np.newaxis] for a in vars(self).values())
        u = np.clip(sums - least, 0, most)
        line = u * whole + ((u >> _LOST) * fraction >> _DROPPED) + np.where(u < bend, below, add)
        return np.asarray((line // _CODE).astype(np.int8).astype(np.int64))

    def words(self, start: Int) -> Array:
        """(C, 5), or (C, 7) if any is bent: the numbers as the kernel takes them, for sums that lack `start` (C,)."""
        more = [self.bend, self.below] if self.bent else []
        numbers = [self.least - start, self.most, self.whole, self.fraction, *more, self.add]
        return np.stack(numbers, axis=-1).astype(np.uint32).view(np.int32)


def reach(weights: Int) -> tuple[Int, Int]:
    """The least and the largest sum of products of weights (C, inputs) with codes of 8 bits, (C,)."""
    ends = weights * LEAST_CODE, weights * MOST_CODE
    return np.minimum(*ends).sum(axis=1), np.maximum(*ends).sum(axis=1)


def split_slope(requant: Requant, mul: Array, shift: Array, low: Int, high: Int) -> SplitSlope | str:
    """The form for multipliers, shifts and the bounds of sums (C,), or why there is none."""
    if mul.min() < 0:
        return "a negative multiplier"
    begins = _begins(requant, mul.astype(np.int64), shift.astype(np.int64), low, high)
    lines = []
    for channel in range(len(mul)):
        slope = (int(mul[channel]) << 41 >> int(shift[channel])) + 1 >> 1
        line = _fit(requant.lo, slope, int(low[channel]), int(high[channel]), begins[channel])
        if line is None:
            return f"codes of channel {channel} that begin on no line"
        lines.append(line)
    return SplitSlope(*np.array(lines, np.int64).T)


def _begins(requant: Requant, mul: Int, shift: Int, low: Int, high: Int) -> Int:
    """(C, codes): the least sum of a code of at least lo + 1 .. hi, within the bounds of sums; one more than the bound if there is none."""
    codes = np.arange(requant.lo + 1, requant.hi + 1)
    low, high = (np.broadcast_to(a[:, np.newaxis], (len(mul), len(codes))) for a in (low, high + 1))
    while (low < high).any():
        middle = (low + high) >> 1
        code = requantize(middle, mul[:, np.newaxis], shift[:, np.newaxis], requant.rounding) + requant.output.zero[0]
        low, high = np.where((code >= codes) | (low >= high), low, middle + 1), np.where(code >= codes, middle, high)
    return np.asarray(low)


def _fit(lo: int, slope: int, low: int, high: int, begins: Int) -> tuple[int, ...] | None:
    """The numbers of a channel with sums of low .. high."""
    first = lo + int((begins <= low).sum())
    begins = begins[(begins > low) & (begins <= high)]
    least = int(begins[0]) - 1 if len(begins) else low
    most = int(begins[-1]) - least if len(begins) else 0
    if most >= _MOST or slope >> 16 > INT32_MAX // 2:
        return None
    negative = int((begins <= 0).sum())  # codes that begin below 0, or there
    bend = int(begins[negative]) - 1 - least if 0 < negative < len(begins) else 0
    starts = np.append(begins - least, most + 1)
    lines = [((slope + near) >> 16, (slope + near) % _FRACTION) for near in _NEAR if slope + near >= 0]
    for line in lines:
        above = _addends(starts, 0, line)
        if above[0] <= above[1]:
            add = sum(above) // 2 + first * _CODE
            return least, most, *line, 0, add, add
    for line in lines if bend and bend >= starts[negative - 1] else ():
        under, above = _addends(np.append(starts[:negative], bend), 0, line), _addends(starts[negative:], negative, line)
        if under[0] <= under[1] and above[0] <= above[1]:
            return least, most, *line, bend, sum(under) // 2 + first * _CODE, sum(above) // 2 + first * _CODE
    return None


def _addends(starts: Int, before: int, line: tuple[int, int]) -> tuple[int, int]:
    """The least and the largest addend with which a line (whole, fraction) reaches each code, the one numbered `before` + 1 first, where it
    starts and not before; the last start is where the line ends, which need not reach the code there."""
    codes = np.arange(before + 1, before + 1 + len(starts), dtype=np.int64) * _CODE
    here, ahead = (u * line[0] + ((u >> _LOST) * line[1] >> _DROPPED) for u in (starts, starts - 1))
    return int((codes - here)[:-1].max(initial=before * _CODE - int(ahead[0]))), int((codes - ahead).min()) - 1
