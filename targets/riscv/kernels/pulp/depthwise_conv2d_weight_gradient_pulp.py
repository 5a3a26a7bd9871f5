"""depthwise_conv2d_weight_gradient with fused sums on PULP's cores."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node

from ....target import Kernel
from .layer import FORMS, cost


def accepts(graph: Graph, node: Node) -> str | None:
    x, g = graph.types(node)
    assert x and g
    several = g.shape[-1] != x.shape[-1]
    return "several output channels of an input channel" if several else None


KERNELS = tuple(
    Kernel(f"depthwise_conv2d_weight_gradient_{f}_pulp", f"depthwise_conv2d_weight_gradient_{f}", accepts, cost=cost) for f in FORMS
)
