"""conv2d_input_gradient with fused sums on PULP's cores."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.conv2d_input_gradient import Conv2dInputGradient

from ....target import Kernel
from .layer import FORMS, cost


def accepts(graph: Graph, node: Node) -> str | None:
    assert isinstance(node.op, Conv2dInputGradient)
    if node.op.groups > 1:
        return "groups"
    both = any(stride > 1 < dilation for stride, dilation in zip(node.op.stride, node.op.dilation, strict=True))
    return "strides of dilated windows" if both else None


KERNELS = tuple(Kernel(f"conv2d_input_gradient_{f}_pulp", f"conv2d_input_gradient_{f}", accepts, cost=cost) for f in FORMS)
