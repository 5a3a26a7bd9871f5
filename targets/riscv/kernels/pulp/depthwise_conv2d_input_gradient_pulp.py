"""depthwise_conv2d_input_gradient with fused sums on PULP's cores."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.depthwise_conv2d_input_gradient import DepthwiseConv2dInputGradient

from ....target import Kernel
from .layer import FORMS, cost


def accepts(graph: Graph, node: Node) -> str | None:
    op, (_, w) = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2dInputGradient) and w
    if any(stride > 1 < dilation for stride, dilation in zip(op.stride, op.dilation, strict=True)):
        return "strides of dilated windows"
    several = w.shape[-1] != op.shape[-1]
    return "several output channels of an input channel" if several else None


KERNELS = tuple(
    Kernel(f"depthwise_conv2d_input_gradient_{f}_pulp", f"depthwise_conv2d_input_gradient_{f}", accepts, cost=cost) for f in FORMS
)
