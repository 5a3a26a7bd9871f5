"""conv2d_weight_gradient with fused sums on PULP's cores."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.conv2d_weight_gradient import Conv2dWeightGradient

from ....target import Kernel
from .layer import FORMS, cost


def one_group(graph: Graph, node: Node) -> str | None:
    assert isinstance(node.op, Conv2dWeightGradient)
    return "groups" if node.op.groups > 1 else None


KERNELS = tuple(Kernel(f"conv2d_weight_gradient_{f}_pulp", f"conv2d_weight_gradient_{f}", one_group, cost=cost) for f in FORMS)
