"""Sums of codes as a linear function of both codes, proved on every pair of them: what the kernels of add and sub share
that multiply both codes and add the products.

The two inner roundings of a sum move it by less than 2^-18 of a code; where no pair of codes has a sum so close to a tie, one rounding
gives the same codes. Each pair bounds the addend; an addend within the bounds of all pairs is the proof, and without one the form is
refused. Of scales in no simple ratio, as training gives them, nearly all have one.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import numpy as np

from tapeout.compiler.elementwise import Sum, SumScaling
from tapeout.compiler.fixed import INT32_MAX, INT32_MIN, Int
from tapeout.compiler.ir import Graph, Node, QType

from .target import Packed

FRACTION = 8  # bits that the multiplication of these kernels drops of a product
_MOST, _LEAST = 24, 16  # bits of fraction of the sum
_NEAR, _STEP = 32, 4  # multipliers that are tried, about the nearest ones
_COST, _CALL_COST = 6, 30  # instructions of an element, counted in what gcc 12 makes


@dataclass(frozen=True)
class Linear:
    """The code is `((x * x_mul >> fraction) + (y * y_mul >> fraction) + add) >> shift`, saturated to 8 bits."""

    x_mul: int
    y_mul: int
    add: int
    shift: int


def accepts(graph: Graph, node: Node, fraction: int = FRACTION) -> str | None:
    op, types = node.op, graph.types(node)
    assert isinstance(op, Sum) and types[0] and types[1]
    if types[0].shape != types[1].shape:
        return "operands of different shapes"
    if any(graph.values[name].constant for name in node.inputs):
        return "an operand that is constant"
    form = linear(op, types[0].quantized, types[1].quantized, fraction)
    return form if isinstance(form, str) else None


def pack(graph: Graph, node: Node, fraction: int = FRACTION) -> Packed:
    op, types = node.op, graph.types(node)
    assert isinstance(op, Sum) and op.scaling and types[0] and types[1]
    form = linear(op, types[0].quantized, types[1].quantized, fraction)
    assert isinstance(form, Linear)
    limits = {"lo": op.scaling.lo, "hi": op.scaling.hi}
    return Packed((), {"size": types[0].size, **vars(form), **limits})


def cost(graph: Graph, node: Node) -> int:
    x = graph.types(node)[0]
    assert x
    return _COST * x.size + _CALL_COST


@cache
def linear(op: Sum, x: QType, y: QType, fraction: int = FRACTION) -> Linear | str:
    """The linear form of an op on codes of these formats, or why it has none."""
    s = op.scaling
    assert s
    a, b = (np.arange(q.min, q.max + 1, dtype=np.int64) for q in (x, y))
    total = op.combine(s.scaled(a, x.zero[0], s.x)[:, np.newaxis], s.scaled(b, y.zero[0], s.y))
    codes = replace(s, lo=-128, hi=127).finish(total).astype(np.int64)
    sign = int(op.combine(np.array(0), np.array(1)))
    for shift in range(_MOST, _LEAST - 1, -1):
        muls = round(_factor(s, s.x, shift + fraction)), sign * round(_factor(s, s.y, shift + fraction))
        reach = sum(abs(mul) * max(q.max, -q.min) * 2 >> fraction for mul, q in zip(muls, (x, y), strict=True))
        if max(map(abs, muls)) <= INT32_MAX and reach + (256 << shift) <= INT32_MAX:
            break
    else:
        return "sums of more codes than 8 bits hold by far"
    for by_x, by_y in sorted(product(range(-_NEAR, _NEAR + 1, _STEP), repeat=2), key=lambda d: abs(d[0]) + abs(d[1])):
        x_mul, y_mul = muls[0] + by_x, muls[1] + by_y
        sums = (x_mul * a >> fraction)[:, np.newaxis] + (y_mul * b >> fraction)
        least, most = _addends(sums, codes, shift)
        if least <= most:
            middle = (2 * s.output.zero[0] + 1 << shift - 1) - (x_mul * x.zero[0] + y_mul * y.zero[0] >> fraction)
            add = min(max(middle, least), most)
            assert sums.min() + add >= INT32_MIN and sums.max() + add <= INT32_MAX
            return Linear(x_mul, y_mul, add, shift)
    return "sums so close to a tie that they are rounded twice"


def _factor(s: SumScaling, operand: tuple[int, int], shift: int) -> float:
    """What a code of an operand counts in the sum, with so many bits of fraction."""
    return float(operand[0] * s.out[0] * 2.0 ** (s.left + shift - operand[1] - s.out[1]))


def _addends(sums: Int, codes: Int, shift: int) -> tuple[int, int]:
    """The least and the largest addend with which all sums give their codes; those that saturate bound it on one side alone."""
    floor, one = codes << shift, 1 << shift
    least = np.where(codes > -128, floor - sums, INT32_MIN).max()
    most = np.where(codes < 127, floor + one - 1 - sums, INT32_MAX).min()
    return int(least), int(most)
