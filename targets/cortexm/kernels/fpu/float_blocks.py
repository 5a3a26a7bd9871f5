"""What the layers of float_blocks.h share: constants in groups of four output channels, and what blocks cost."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array, Graph, Node, Op, Param
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D

BLOCK = 4


def bias_of(graph: Graph, node: Node, channels: int) -> Array:
    """The bias of a layer. +0 where there is none changes no sum, as none is -0."""
    return graph.data(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else np.zeros(channels, np.float32)


def by_blocks(graph: Graph, node: Node) -> tuple[tuple[str, Array], ...]:
    """The weights (O, ...) as (groups, ..., BLOCK) and the bias as (groups * BLOCK), with zeros for channels that do not exist."""
    w = graph.data(node.inputs[1])
    more = -len(w) % BLOCK
    rows = np.concatenate([w, np.zeros((more, *w.shape[1:]), w.dtype)]).reshape(-1, BLOCK, w[0].size)
    b = bias_of(graph, node, len(w))
    return ("weights", np.ascontiguousarray(rows.transpose(0, 2, 1))), ("bias", np.concatenate([b, np.zeros(more, b.dtype)]))


def float_fields(op: Op) -> dict[str, Param]:
    """The bounds of a layer's clip."""
    assert isinstance(op, Conv2D | DepthwiseConv2D | Dense)
    clip = op.clip or Clip()
    return {"lo": float(clip.lo), "hi": float(clip.hi)}


def block_cost(blocks: int, rest: int, outputs: int, count: int) -> int:
    """Instructions, about, for sums of `count` products: of blocks and single elements by so many output channels."""
    return -(-outputs // BLOCK) * (blocks * (43 * count + 250) + rest * (16 * count + 80))
