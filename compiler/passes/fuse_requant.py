"""A requant or threshold that alone reads a sum becomes part of the node that sums."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..errors import Unsupported
from ..ir import Graph, Node, QType
from ..ops.conv2d import Conv2D
from ..ops.dense import Dense
from ..ops.depthwise_conv2d import DepthwiseConv2D
from ..ops.dequantize import Dequantize
from ..ops.dynamic_dequantize import DynamicDequantize
from ..ops.requant import Requant
from ..ops.scale_sums import ScaleSums
from ..ops.threshold import Threshold

_Layer = Conv2D | Dense | DepthwiseConv2D


def fuse_requant(graph: Graph) -> Graph:
    """Merges each requant or threshold into its producer where that has a field for it; the node takes its name.

    Raises Unsupported for a tensor of sums that is left, unless nodes that make floats of sums are all that read it: others may
    not live in memory.
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
    """Whether a requant or threshold reads the output of an op that can take it and has none yet."""
    stage = isinstance(node.op, Requant) or (isinstance(node.op, Threshold) and isinstance(producer.op, _Layer))
    return stage and getattr(producer.op, "requant", node.op) is None


def _fuse(producer: Node, node: Node) -> Node:
    """A layer's tables stand behind its bias, before its computed zero point."""
    op: Any = producer.op
    before, after = (producer.inputs[:3], producer.inputs[5:]) if isinstance(op, _Layer) else (producer.inputs, ())
    return Node(replace(op, requant=node.op), (*before, *node.inputs[1:], *after), node.outputs)


def _refuse_wide_tensors(graph: Graph) -> None:
    consumers = graph.consumers()
    for node in graph.nodes:
        for name in node.outputs:
            q = graph.values[name].type.q
            if not isinstance(q, QType) or q.bits < 32:
                continue
            if name in graph.output_names or not all(_takes_sums(reader, name) for reader in consumers[name]):
                raise Unsupported(f"{node.name}: {node.op.name()} gives {q.bits}-bit sums, which one requant alone must read")


def _takes_sums(reader: Node, name: str) -> bool:
    """Whether a node makes floats of a sum, or takes the value as a computed zero point."""
    floats = isinstance(reader.op, Dequantize | DynamicDequantize | ScaleSums)
    return floats or (isinstance(reader.op, _Layer) and name in reader.inputs[5:])
