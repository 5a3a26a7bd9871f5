"""A pad of zeros that convolutions alone read becomes their padding."""
from __future__ import annotations

from dataclasses import replace

from ..ir import Graph, Node, QType
from ..ops.conv2d import Conv2D
from ..ops.depthwise_conv2d import DepthwiseConv2D
from ..ops.pad import Pad


def fuse_pad(graph: Graph) -> Graph:
    """Moves pads of height and width into every convolution that reads them.

    Only pads with the real value zero, which is what a convolution pads with: +0 for floats, the zero point for codes. Not
    into poolings, which leave padding out of what they compute.
    """
    consumers = graph.consumers()
    pads = {
        node.name: node for node in graph.nodes
        if isinstance(node.op, Pad) and _of_zeros(graph, node, node.op) and node.name not in graph.output_names
        and all(isinstance(c.op, Conv2D | DepthwiseConv2D) and c.inputs[0] == node.name for c in consumers[node.name])
    }
    nodes: list[Node] = []
    for node in graph.nodes:
        pad = pads.get(node.inputs[0]) if node.inputs else None
        if pad is not None and isinstance(node.op, Conv2D | DepthwiseConv2D) and isinstance(pad.op, Pad):
            sums = (*pad.op.before[1:3], *pad.op.after[1:3])
            top, left, bottom, right = (a + b for a, b in zip(node.op.pads, sums, strict=True))
            node = Node(replace(node.op, pads=(top, left, bottom, right)), (pad.inputs[0], *node.inputs[1:]), node.outputs)
        if node.name not in pads:
            nodes.append(node)
    return graph.replace(nodes)


def _of_zeros(graph: Graph, node: Node, pad: Pad) -> bool:
    type = graph.values[node.inputs[0]].type
    if len(type.shape) != 4 or any(counts[axis] for counts in (pad.before, pad.after) for axis in (0, 3)):
        return False
    return pad.value == (type.q.zero[0] if isinstance(type.q, QType) else 0)
