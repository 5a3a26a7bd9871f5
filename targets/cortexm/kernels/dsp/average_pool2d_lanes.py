"""What average_pool2d_lanes.h takes: windows whose sums fit 16 bits."""
from __future__ import annotations

from math import prod

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.average_pool2d import AveragePool2D

from ....target import Kernel
from ....trail import window_trail

_MOST = 256  # codes of 8 bits that 16 bits sum
_WORD_COST, _OUTPUT_COST, _WINDOW_COST = 6, 16, 60  # instructions, counted in what gcc 12 makes


def accepts(graph: Graph, node: Node) -> str | None:
    assert isinstance(node.op, AveragePool2D)
    return f"windows of more than {_MOST} elements" if prod(node.op.window.kernel) > _MOST else None


def cost(graph: Graph, node: Node) -> int:
    assert isinstance(node.op, AveragePool2D)
    (y,) = node.op.infer(graph.types(node))
    channels = y.shape[3]
    window = prod(node.op.window.kernel) * (channels // 4 + channels % 4) * _WORD_COST + channels * _OUTPUT_COST + _WINDOW_COST
    return y.size // channels * window


KERNELS = (Kernel("average_pool2d_s8_lanes", of="average_pool2d_s8", accepts=accepts, cost=cost, trail=window_trail),)
