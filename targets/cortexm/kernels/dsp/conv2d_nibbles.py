"""What conv2d_nibbles.h takes: weights of 4 bits, a word for two channels of each block of conv2d_pairs.py."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Graph, Node, Op, Types
from tapeout.compiler.ops.conv2d import Conv2D

from ....target import Kernel, Packed
from ....trail import Rows
from ...packed_layer import NIBBLE, not_plain
from .conv2d_pairs import BLOCK, Geometry, interleaved, pair_cost, parts, rows_cost, unfit
from .nibbles import packed

_UNPACK_COST, _TURN_COST = 14, 22  # instructions of a block of two channels, and of two channels in a row of windows, as gcc 12 makes them


def _geometry(op: Op, types: Types) -> Geometry:
    """Weights are unpacked once for a row of windows, so that there have to be rows."""
    return Geometry.of(op, types, flat=False)


def accepts(graph: Graph, node: Node) -> str | None:
    return not_plain(graph, node, "s8", NIBBLE) or unfit(graph, node, _geometry(node.op, graph.types(node)))


def scratch(op: Op, types: Types) -> int:
    """Bytes: the rows of a window, a word for each element, the weights of two channels in 16 bits, and a row of padding."""
    assert types[0] and types[1]
    g, k_h = _geometry(op, types), types[1].shape[1]
    return 4 * k_h * (g.row + BLOCK * g.blocks * g.loops) + types[0].shape[2] * types[0].shape[3]


def trail(op: Op, types: Types) -> int:
    """Both rows of a pair are read before they are written."""
    return Rows.of(op, types).trail(together=2, ahead=True)


def pack(graph: Graph, node: Node) -> Packed:
    g = _geometry(node.op, graph.types(node))
    table, _, params = parts(graph, node, g, bytes=False)
    halves = interleaved(graph.data(node.inputs[1]), g, bytes=False).view(np.int16).reshape(-1, 4, 2)
    return Packed((("table", table), ("words", packed(halves))), params)


def cost(graph: Graph, node: Node) -> int:
    op, types = node.op, graph.types(node)
    assert isinstance(op, Conv2D) and types[1]
    g, (y,) = _geometry(op, types), op.infer(types)
    _, out_h, _, out_c = y.shape
    unpacking = _UNPACK_COST * types[1].shape[1] * g.blocks * g.loops + _TURN_COST
    return rows_cost(op, types, g, pair_cost(types, g)) + -(-out_h // 2) * -(-out_c // 2) * unpacking


KERNELS = (Kernel("conv2d_packed_s8_nibbles", "conv2d_packed_s8", accepts, pack, cost, scratch=scratch, trail=trail),)
