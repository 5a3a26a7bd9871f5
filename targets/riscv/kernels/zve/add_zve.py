"""add on vectors: which sums it computes, and what they cost."""
from __future__ import annotations

from tapeout.compiler.elementwise import Sum, SumScaling
from tapeout.compiler.fixed import INT32_MAX, Rounding
from tapeout.compiler.ir import Graph, Node

from ....target import Kernel
from .layer import vectors


def accepts(graph: Graph, node: Node) -> str | None:
    x, y = graph.types(node)
    assert isinstance(node.op, Sum) and node.op.scaling is not None and x and y
    scaling = node.op.scaling
    if x.shape != y.shape:
        return "a tensor that is broadcast"
    if scaling.rounding not in (Rounding.HALF_UP, Rounding.TFLITE):
        return f"rounding {scaling.rounding}"
    if min(scaling.x[1], scaling.y[1]) < 31 or not 15 <= scaling.left < 15 + 7 or max(scaling.x[1], scaling.y[1]) > 62:
        return "an operand that grows"
    return _output_refusal(scaling)


def _output_refusal(scaling: SumScaling) -> str | None:
    """Why the codes of sums have no form by a high word; sums are below 2^(left + 9)."""
    mul, shift = scaling.out
    tflite = scaling.rounding is Rounding.TFLITE
    right = shift - (31 if tflite else 32)
    if not (2 if tflite else 1) <= right < 31 or mul < 0:
        return "an output that is too fine"
    add = (1 << (right - 1)) + (abs(scaling.output.zero[0]) << right)
    high = (mul << (scaling.left + 9)) >> (31 if tflite else 32)
    return "sums that leave 32 bits on the way" if high + add + 2 > INT32_MAX else None


def cost(graph: Graph, node: Node) -> int:
    x = graph.types(node)[0]
    assert x
    return 30 + 28 * vectors(x.size)


KERNELS = (Kernel("add_s8_zve", of="add_s8", accepts=accepts, cost=cost),)
