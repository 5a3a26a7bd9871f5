"""What depthwise_conv2d_nibbles.h takes: weights of 4 bits, and the power of two by which they become those of depthwise_conv2d_pairs.h."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Graph, Node, Op, Types
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.requant import Requant

from ....target import Kernel, Packed
from ...packed_layer import NIBBLE, not_plain
from . import depthwise_conv2d_pairs as by_words
from .depthwise_conv2d_pairs import GROUP, form, inplace, params, parts, words

_ROW = 9 * 4  # bytes of scratch for the table of a channel
_UNPACK_COST = 110  # instructions of a channel, as gcc 12 makes them
_MOST_POWER = 15


def accepts(graph: Graph, node: Node) -> str | None:
    if reason := not_plain(graph, node, "s8", NIBBLE):
        return reason
    found = form(graph, node)
    if isinstance(found, str):
        return found
    return "a power of two of more than 4 bits" if found.power.max() > _MOST_POWER else None


def pack(graph: Graph, node: Node) -> Packed:
    """Nine weights of 4 bits, 8 too large, and the channel's power of two (C, 5), uint8; where sums begin, mul, add (C, 3)."""
    w, others, found = parts(graph, node)
    op = node.op
    assert isinstance(op, DepthwiseConv2D) and isinstance(op.requant, Requant)
    nibbles = np.concatenate([w.reshape(9, -1) + 8, [found.power]]).T.astype(np.uint8)
    limits = {"lo": op.requant.lo, "hi": op.requant.hi}
    taps = np.ascontiguousarray(nibbles[:, 0::2] | nibbles[:, 1::2] << 4)
    return Packed((("taps", taps), ("table", words(others))), params(graph, node, found.shift) | limits)


def scratch(op: Op, types: Types) -> int:
    assert types[0]
    return by_words.scratch(op, types) + _ROW * min(GROUP, types[0].shape[3])


def cost(graph: Graph, node: Node) -> int:
    x = graph.types(node)[0]
    assert x
    return by_words.cost(graph, node) + _UNPACK_COST * x.shape[3]


KERNELS = (
    Kernel(
        "depthwise_conv2d_packed_s8_nibbles", of="depthwise_conv2d_packed_s8", accepts=accepts, pack=pack, cost=cost, scratch=scratch,
        inplace=inplace,
    ),
)
