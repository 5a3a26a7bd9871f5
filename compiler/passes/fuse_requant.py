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
        if producer is None or not _fits(producer, node):
            continue
        if consumers[producer.name] == [node] and producer.name not in graph.output_names:
            fused[node.name] = _fuse(producer, node)
            merged.add(producer.name)
    result = graph.replace([fused.get(n.name, n) for n in graph.nodes if n.name not in merged])
    _refuse_wide_tensors(result)
    return result


def _fits(producer: Node, node: Node) -> bool:
    """Whether a requant reads the output of an op that can requantize and does not yet."""
    return isinstance(node.op, Requant) and getattr(producer.op, "requant", node.op) is None


def _fuse(producer: Node, node: Node) -> Node:
    op: Any = producer.op
    return Node(replace(op, requant=node.op), (*producer.inputs, *node.inputs[1:]), node.outputs)


def _refuse_wide_tensors(graph: Graph) -> None:
    for node in graph.nodes:
        for type in graph.output_types(node):
            if isinstance(type.q, QType) and type.q.bits == 32:
                raise Unsupported(f"{node.name}: {node.op.name()} gives 32-bit sums, which one requant alone must read")
