"""What max_pool2d_lanes.h takes: every window."""
from __future__ import annotations

from math import prod

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.max_pool2d import MaxPool2D

from ....target import Kernel
from ....trail import window_trail

_WORD_COST, _FOUR_COST, _WINDOW_COST = 6, 8, 60  # instructions, counted in what gcc 12 makes


def cost(graph: Graph, node: Node) -> int:
    assert isinstance(node.op, MaxPool2D)
    (y,) = node.op.infer(graph.types(node))
    fours = y.shape[3] // 4 + y.shape[3] % 4
    return y.size // y.shape[3] * (fours * (prod(node.op.window.kernel) * _WORD_COST + _FOUR_COST) + _WINDOW_COST)


KERNELS = (Kernel("max_pool2d_s8_lanes", of="max_pool2d_s8", cost=cost, trail=window_trail),)
