"""Which windows kernels of gradients of poolings take on a cluster."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.average_pool2d_gradient import AveragePool2dGradient
from tapeout.compiler.ops.max_pool2d_gradient import MaxPool2dGradient


def apart(graph: Graph, node: Node) -> str | None:
    assert isinstance(node.op, AveragePool2dGradient | MaxPool2dGradient)
    window = node.op.window
    met = any(stride < kernel for stride, kernel in zip(window.stride, window.kernel, strict=True))
    return "windows overlap" if met or window.dilation != (1, 1) else None
