"""add of f16 on Helium: what it takes, and what it costs."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.add import Add

from ....target import Kernel, Packed
from .helium_f16 import LANES, bound_fields, unrepresentable


def accepts(graph: Graph, node: Node) -> str | None:
    x, y = graph.types(node)
    assert isinstance(node.op, Add) and x and y
    if x.shape != y.shape:
        return "a tensor that is broadcast"
    if any(graph.values[i].constant for i in node.inputs):
        return "a constant"
    return unrepresentable(node.op.clip)


def pack(graph: Graph, node: Node) -> Packed:
    """No constants, and the number of elements."""
    x = graph.types(node)[0]
    assert isinstance(node.op, Add) and x
    return Packed((), {"size": x.size, **bound_fields(node.op.clip)})


def cost(graph: Graph, node: Node) -> int:
    x = graph.types(node)[0]
    assert x
    return 20 + 11 * -(-x.size // LANES)


KERNELS = (Kernel("add_f16_mve", of="add_f16", accepts=accepts, pack=pack, cost=cost),)
