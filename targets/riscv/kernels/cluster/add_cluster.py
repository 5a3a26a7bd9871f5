"""The kernels of add for all cores of a cluster."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node

from ....target import on_all_cores


def along_one_axis(graph: Graph, node: Node) -> str | None:
    shape = node.op.params(graph.types(node))["shape"]
    assert isinstance(shape, tuple)
    return "an operand is broadcast" if any(count != 1 for count in shape[:4]) else None


KERNELS = on_all_cores("add_s8", "add_f32", "add_f16", "add_bf16", accepts=along_one_axis)
