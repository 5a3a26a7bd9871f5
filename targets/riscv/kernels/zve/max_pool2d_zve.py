"""max_pool2d on vectors: what it costs."""
from __future__ import annotations

from math import prod

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.max_pool2d import MaxPool2D

from ....target import Kernel
from ....trail import window_trail
from .layer import vectors


def cost(graph: Graph, node: Node) -> int:
    assert isinstance(node.op, MaxPool2D)
    y = node.op.infer(graph.types(node))[0]
    return y.size // y.shape[3] * (40 + vectors(y.shape[3], bits=8) * (10 + 4 * prod(node.op.window.kernel)))


KERNELS = (Kernel("max_pool2d_s8_zve", of="max_pool2d_s8", cost=cost, trail=window_trail),)
