"""average_pool2d on vectors: which windows it takes, and what they cost."""
from __future__ import annotations

from math import prod

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.average_pool2d import AveragePool2D

from ....target import Kernel
from ....trail import window_trail
from .layer import vectors

TAPS = 1 << 20  # whose sums, twice and once more, fit 32 bits


def accepts(graph: Graph, node: Node) -> str | None:
    assert isinstance(node.op, AveragePool2D)
    if prod(node.op.window.kernel) > TAPS:
        return f"windows of more than {TAPS} taps"
    return "rounding half_even" if node.op.rounding is Rounding.HALF_EVEN else None


def cost(graph: Graph, node: Node) -> int:
    assert isinstance(node.op, AveragePool2D)
    y = node.op.infer(graph.types(node))[0]
    return y.size // y.shape[3] * (60 + vectors(y.shape[3]) * (20 + 5 * prod(node.op.window.kernel)))


KERNELS = (Kernel("average_pool2d_s8_zve", of="average_pool2d_s8", accepts=accepts, cost=cost, trail=window_trail),)
