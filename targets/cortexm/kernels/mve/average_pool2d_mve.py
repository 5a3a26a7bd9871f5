"""average_pool2d on Helium: which windows it takes, and what they cost."""
from __future__ import annotations

from math import prod

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.average_pool2d import AveragePool2D

from ....target import Kernel
from ....trail import window_trail

TAPS = 256  # whose sums fit 16 bits


def accepts(graph: Graph, node: Node) -> str | None:
    assert isinstance(node.op, AveragePool2D)
    return f"windows of more than {TAPS} taps" if prod(node.op.window.kernel) > TAPS else None


def cost(graph: Graph, node: Node) -> int:
    assert isinstance(node.op, AveragePool2D)
    y = node.op.infer(graph.types(node))[0]
    return y.size // y.shape[3] * -(-y.shape[3] // 8) * (200 + 5 * prod(node.op.window.kernel))


KERNELS = (Kernel("average_pool2d_s8_mve", of="average_pool2d_s8", accepts=accepts, cost=cost, trail=window_trail),)
