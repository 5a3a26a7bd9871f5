"""conv2d with fused sums on PULP's cores: weights transposed when compiled, or at each call."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.conv2d import Conv2D

from ....target import Kernel
from .layer import FORMS, constant_weights, cost, pack, turned_cost, weights_scratch


def one_group(graph: Graph, node: Node) -> str | None:
    assert isinstance(node.op, Conv2D)
    return "groups" if node.op.groups > 1 else None


def constant(graph: Graph, node: Node) -> str | None:
    return one_group(graph, node) or constant_weights(graph, node)


KERNELS = (
    *(Kernel(f"conv2d_{f}_pulp", f"conv2d_{f}", one_group, cost=turned_cost, scratch=weights_scratch) for f in FORMS),
    *(Kernel(f"conv2d_{f}_pulp_packed", f"conv2d_{f}", constant, pack, cost) for f in FORMS),
)
