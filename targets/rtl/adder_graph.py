"""Products with a constant matrix as graphs of adders, the one file that imports da4ml, whose search finds what rows have in common."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Array

from .instance import signed_bits

EXACT = 1 << 24  # weights below it are exact in float32, in which da4ml takes them
# What da4ml is asked for, the smaller graph of these being taken: a way to choose pairs, and how many adders a path may have more than in
# a balanced tree. Without that bound graphs are half a percent smaller, a third deeper, and found in ten times the time.
_SEARCHES = (("mc", 2), ("wmc", 2))


@dataclass(frozen=True)
class Range:
    """Whole numbers from `low` to `high`, in as few bits as hold them: two's complement only where one is negative."""

    low: int
    high: int

    @property
    def signed(self) -> bool:
        return self.low < 0

    @property
    def bits(self) -> int:
        return signed_bits(self.low, self.high) if self.signed else max(self.high.bit_length(), 1)


@dataclass(frozen=True)
class Sum:
    """`a + b * 2**shift`, or `a - b * 2**shift`, of values by number; the lowest `shift` bits are those of a."""

    a: int
    b: int
    shift: int
    subtract: bool


@dataclass(frozen=True)
class Output:
    """A value by number times `2**shift`, negated or not; none for a row of zeros."""

    value: int | None
    shift: int = 0
    negative: bool = False


@dataclass(frozen=True)
class AdderGraph:
    """Values, by number: the inputs, each in its range, and then the sums, each of values before it."""

    inputs: tuple[Range, ...]
    sums: tuple[Sum, ...]
    outputs: tuple[Output, ...]

    @cached_property
    def ranges(self) -> tuple[Range, ...]:
        """Of all values, none wider than what the inputs reach: from the weights that each value has of them, not from sum to sum."""
        low, high = (np.array([getattr(r, end) for r in self.inputs], object) for end in ("low", "high"))
        weights = list(np.eye(len(self.inputs), dtype=np.int64).astype(object))
        for sum in self.sums:
            b = weights[sum.b] * (1 << sum.shift)
            weights.append(weights[sum.a] - b if sum.subtract else weights[sum.a] + b)
        ends = [(np.minimum(w * low, w * high).sum(), np.maximum(w * low, w * high).sum()) for w in weights]
        return tuple(Range(int(least), int(most)) for least, most in ends)

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Of all values, how many adders one behind the other make it."""
        found = [0] * len(self.inputs)
        for sum in self.sums:
            found.append(1 + max(found[sum.a], found[sum.b]))
        return tuple(found)

    @property
    def bits(self) -> int:
        """Of all adders together: one 4-input table each, on a carry chain."""
        ranges = self.ranges[len(self.inputs) :]
        return sum(max(r.bits - s.shift, 0) for r, s in zip(ranges, self.sums, strict=True))

    def widths(self, needed: Sequence[int]) -> tuple[int, ...]:
        """Of all values, how many of their lowest bits are read, when `needed` of each output are: sums wrap, so that a narrow one
        takes no more of its operands; 0 where nothing reads it."""
        read = [0] * len(self.ranges)
        for output, bits in zip(self.outputs, needed, strict=True):
            if output.value is not None:
                read[output.value] = max(read[output.value], bits - output.shift, 1)
        for at in range(len(self.sums) - 1, -1, -1):
            sum, made = self.sums[at], len(self.inputs) + at
            if read[made]:
                read[made] = min(read[made], self.ranges[made].bits)
                read[sum.a] = max(read[sum.a], read[made])
                read[sum.b] = max(read[sum.b], read[made] - sum.shift, 1)
        return tuple(min(bits, own.bits) for bits, own in zip(read, self.ranges, strict=True))

    def multiply(self, x: Array) -> Array:
        """The outputs (N, O) for inputs (N, K), as the adders compute them."""
        values: list[Array] = list(x.astype(object).T)
        for sum in self.sums:
            b = values[sum.b] * (1 << sum.shift)
            values.append(values[sum.a] - b if sum.subtract else values[sum.a] + b)
        zero = np.zeros(len(x), object)
        made = [zero if o.value is None else values[o.value] * (1 << o.shift) for o in self.outputs]
        return np.stack([-y if o.negative else y for y, o in zip(made, self.outputs, strict=True)], axis=1)


def digits(weights: Array) -> int:
    """How many signed digits other than 0 the weights have in all, in the fewest that write them: as many additions without a search."""
    magnitude = np.abs(weights)
    return int(np.bitwise_count(3 * magnitude ^ magnitude).sum())


def adder_graph(weights: Array, ranges: Iterable[Range]) -> AdderGraph:
    """A graph that multiplies by whole numbers `weights` (O, K); `ranges` are those of the K inputs.

    Raises TapeoutError when da4ml is missing, or for weights that it cannot hold.
    """
    inputs = tuple(ranges)
    if np.abs(weights).max(initial=0) >= EXACT:
        raise TapeoutError(f"distributed arithmetic takes weights of 24 bits, got {np.abs(weights).max()}")
    if not weights.any():
        return AdderGraph(inputs, (), (Output(None),) * len(weights))
    try:
        from da4ml.cmvm import solve
    except ImportError as error:
        raise TapeoutError(f"{error}; distributed arithmetic needs da4ml: pip install 'tapeout[hls]'") from None
    kernel = np.ascontiguousarray(weights.T.astype(np.float32))
    given = [(float(r.low), float(r.high), 1.0) for r in inputs]
    found = [_Flat(inputs).run(solve(kernel, method0=way, hard_dc=depth, qintervals=given)) for way, depth in _SEARCHES]
    return min(found, key=lambda graph: (graph.bits, max(graph.levels)))


@dataclass(frozen=True)
class _Scaled:
    """What one of da4ml's numbers is: a value of ours times a power of two, negated or not."""

    value: int
    exponent: int
    negative: bool


class _Flat:
    """Gathers da4ml's stages, whose numbers may be fractions, as one graph of whole numbers. Signs wander to the outputs."""

    def __init__(self, inputs: tuple[Range, ...]) -> None:
        self.inputs = inputs
        self.sums: list[Sum] = []
        self.known: dict[Sum, int] = {}

    def run(self, pipeline: Any) -> AdderGraph:
        given: list[_Scaled | None] = [_Scaled(i, 0, False) for i in range(len(self.inputs))]
        for stage in pipeline.solutions:
            given = self._stage(stage, given)
        outputs = tuple(Output(None) if g is None else Output(g.value, g.exponent, g.negative) for g in given)
        assert all(output.shift >= 0 for output in outputs)  # sums of whole numbers are whole
        return AdderGraph(self.inputs, tuple(self.sums), outputs)

    def _stage(self, stage: Any, given: list[_Scaled | None]) -> list[_Scaled | None]:
        """da4ml's CombLogic: inputs times 2**inp_shifts, then sums `a +- b * 2**data`, then outputs times +-2**out_shifts."""
        made: list[_Scaled | None] = []
        for op in stage.ops:
            if op.opcode == -1:
                made.append(_shifted(given[op.id0], int(stage.inp_shifts[op.id0])))
            elif op.opcode in (0, 1):
                made.append(self._sum(made[op.id0], _shifted(made[op.id1], int(op.data)), op.opcode == 1))
            else:
                raise TapeoutError(f"da4ml made an operation {op.opcode}, which is no sum")
        ends = zip(stage.out_idxs, stage.out_shifts, stage.out_negs, strict=True)
        return [_shifted(made[at], int(shift), bool(negative)) if at >= 0 else None for at, shift, negative in ends]

    def _sum(self, a: _Scaled | None, b: _Scaled | None, subtract: bool) -> _Scaled | None:
        b = _shifted(b, 0, subtract)
        if a is None or b is None:
            return a or b
        if a.exponent > b.exponent:
            a, b = b, a
        sum = Sum(a.value, b.value, b.exponent - a.exponent, a.negative != b.negative)
        if sum not in self.known:
            self.known[sum] = len(self.inputs) + len(self.sums)
            self.sums.append(sum)
        return _Scaled(self.known[sum], a.exponent, a.negative)


def _shifted(number: _Scaled | None, shift: int, negate: bool = False) -> _Scaled | None:
    return number and _Scaled(number.value, number.exponent + shift, number.negative != negate)
