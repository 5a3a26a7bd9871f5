"""What the kernels of fused sums on PULP's cores share: which layers they take, their scratch, and what they cost."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Graph, Node, Op, Types

from ....target import Packed

FORMS = ("f16_fma", "f32_fma")


def cost(graph: Graph, node: Node) -> int:
    """Instructions, about: nine loads and eight products for eight words of sums."""
    return 2 * node.op.cost(graph.types(node)).macs


def turned_cost(graph: Graph, node: Node) -> int:
    """With weights that are transposed first."""
    _, w, *_ = graph.types(node)
    assert w
    return cost(graph, node) + 3 * w.size


def weights_scratch(op: Op, types: Types) -> int:
    assert types[1]
    return types[1].bytes


def constant_weights(graph: Graph, node: Node) -> str | None:
    return None if all(graph.values[i].constant for i in node.inputs[1:] if i) else "weights that are no constants"


def pack(graph: Graph, node: Node) -> Packed:
    """Weights (O, ...) as (..., O), and the bias: -0, which changes no sum, where there is none."""
    w = graph.data(node.inputs[1])
    bias = node.inputs[2] if len(node.inputs) > 2 else ""
    b = graph.data(bias) if bias else np.full(len(w), -0.0, w.dtype)
    turned = np.ascontiguousarray(np.moveaxis(w, 0, -1))
    return Packed((("weights", turned), ("bias", b)), node.op.params(graph.types(node)))
