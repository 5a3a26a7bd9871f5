"""A requant that alone reads a 32-bit sum becomes part of the node that sums."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..errors import Unsupported
from ..ir import Graph, Node, QType
from ..ops.requant import Requant


def fuse_requant(graph: Graph) -> Graph:
    """Merges each requant into its producer where that has a `requant` field; the node takes the requant's name.

    Raises Unsupported for a 32-bit tensor that is left: none may live in memory.
    """
    consumers = graph.consumers()
    producers = {n.name: n for n in graph.nodes}
    fused: dict[str, Node] = {}
    merged: set[str] = set()
    for node in graph.nodes:
        producer = producers.get(node.inputs[0])
        if producer is None or not _fits(graph, producer, node):
            continue
        if consumers[producer.name] == [node] and producer.name not in graph.output_names:
            fused[node.name] = _fuse(producer, node)
            merged.add(producer.name)
    result = graph.replace([fused.get(n.name, n) for n in graph.nodes if n.name not in merged])
    _refuse_wide_tensors(result)
    return result


def _fits(graph: Graph, producer: Node, node: Node) -> bool:
    """Whether a requant reads a sum without zero point from an op that can requantize."""
    if not isinstance(node.op, Requant) or getattr(producer.op, "requant", node.op) is not None:
        return False
    return not any(graph.values[producer.name].type.quantized.zero)


def _fuse(producer: Node, node: Node) -> Node:
    op: Any = producer.op
    return Node(replace(op, requant=node.op), (*producer.inputs, *node.inputs[1:]), node.outputs)


def _refuse_wide_tensors(graph: Graph) -> None:
    for node in graph.nodes:
        for type in graph.output_types(node):
            if isinstance(type.q, QType) and type.q.bits == 32:
                raise Unsupported(f"{node.name}: {node.op.name()} gives 32-bit sums, which one requant alone must read")
