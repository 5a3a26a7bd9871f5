"""Requantization by the high word of a product, exact for every sum, so that nothing has to be searched or proved by cases.

Half up: `floor(sum * mul / 2^shift + 1/2) = (((sum * mul) >> 32) + add) >> (shift - 32)`, as a floor of a floor is the floor of the whole.
TensorFlow Lite's: `x = (2 * sum * mul + 2^31) >> 32` is its doubling high multiply, which rounds ties up; to round `x / 2^r` half away from
zero is to add the half, and -1 where x is negative. The sign of the sum serves as well: they differ where x is 0, from which the 1 takes
nothing once r >= 2. Half away and half even are half up where no sum gives a tie: a tie is `2^(shift - 1)` times an odd number, so that the
sum has all factors of two that the multiplier lacks, which for multipliers of arbitrary scales makes it too large. Floor leaves out
the half. The zero point is a part of `add`. The C twin is kernels/dsp/high_word.h.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapeout.compiler.fixed import INT32_MAX, Int, Rounding
from tapeout.compiler.ir import Array, Graph, Node
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.passes.check_accumulators import largest_sums


@dataclass(frozen=True)
class HighWord:
    """The three numbers of each channel, int32 (C,); `doubled` says that they are for twice the sums, as TensorFlow Lite's rounding is."""

    mul: Array
    add: Array
    shift: Array
    doubled: bool

    def table(self, bias: Array, doubled: bool = True) -> Array:
        """(C, 4): what each channel's sum begins at, and the three numbers. Without `doubled` the kernel doubles sums only at their end."""
        start = bias.astype(np.int32) * (2 if self.doubled and doubled else 1)
        return np.stack([start, self.mul, self.add, self.shift], axis=-1)


def high_word(graph: Graph, node: Node, requant: Requant, channels: int, power: int = 0) -> HighWord | str:
    """The form of a layer's requantization, or why it has none; for nodes with multipliers and shifts as their fourth and fifth input.

    The kernel's sums are `2^power` times those of the layer; where there is a power, the form is not the doubled one.
    """
    mul, shift = (np.broadcast_to(graph.data(name).astype(np.int64), (channels,)) for name in node.inputs[3:5])
    sums = largest_sums(graph, node)
    assert sums is not None
    sums = np.broadcast_to(sums, (channels,)).astype(object)
    if requant.rounding in (Rounding.HALF_AWAY, Rounding.HALF_EVEN) and ties(mul, shift, sums):
        return f"rounding {requant.rounding} of sums with ties"
    doubled = requant.rounding is Rounding.TFLITE
    if doubled and power:
        return f"rounding {requant.rounding} of sums that are larger by a power of two"
    sums, shift = sums << power, shift + power
    if not doubled:  # a multiplier of fewer bits, as 64-bit sums have, is as good as one of more
        spare = 31 - np.frexp(np.abs(mul).max(initial=1))[1]
        mul, shift = mul << spare, shift + spare
    right = shift - (31 if doubled else 32)
    if right.min() < (2 if doubled else 1):
        return f"a multiplier of {mul[right.argmin()] / 2.0 ** shift[right.argmin()]:.3g}"
    half = np.int64(requant.rounding is not Rounding.FLOOR) << (right - 1)
    add = half + (requant.output.zero[0] << right)
    taken = sums << int(doubled)
    scaled = taken * abs(mul.astype(object)) // (1 << 32) + abs(add.astype(object)) + 2
    if max(taken) > INT32_MAX or max(scaled) > INT32_MAX:
        return "sums that leave 32 bits on the way"
    return HighWord(mul.astype(np.int32), add.astype(np.int32), right.astype(np.int32), doubled)


def ties(mul: Int, shift: Int, sums: Array) -> bool:
    """Whether a sum of some channel, none larger than `sums`, can lie half-way between two codes."""
    factors = np.log2(np.where(mul, mul & -mul, 1)).astype(np.int64)
    missing = np.clip(shift - 1 - factors, 0, None)  # bits at the end of such a sum that are 0
    return bool(((mul != 0) & (shift > factors) & (np.int64(1) << missing <= sums)).any())
