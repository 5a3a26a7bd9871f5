"""depthwise_conv2d of floats on a scalar float unit: what it takes, and what it costs."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node

from ....target import Kernel
from ....trail import window_trail


def accepts(graph: Graph, node: Node) -> str | None:
    x, w, *_ = graph.types(node)
    assert x and w
    return None if w.shape[2] == x.shape[3] else "several output channels of an input channel"


def cost(graph: Graph, node: Node) -> int:
    return 5 * node.op.cost(graph.types(node)).macs


KERNELS = tuple(
    Kernel(f"depthwise_conv2d_{form}_blocks", of=f"depthwise_conv2d_{form}", accepts=accepts, cost=cost, trail=window_trail)
    for form in ("f32", "f16", "bf16")
)
