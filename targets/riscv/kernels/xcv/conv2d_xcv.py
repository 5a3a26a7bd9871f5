"""What conv2d_xcv.h takes: windows in scratch, as one run of words that ends in codes that no weight counts."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Graph, Node, Op, Types
from tapeout.compiler.ops.conv2d import Conv2D

from ....target import Kernel, Packed
from ....trail import Rows
from .layer import WORD, Layer, Reading, interleaved, layer, whole

_WINDOW_COST, _ROW_COST, _WORD_COST = 30, 24, 2  # cycles of the RTL, to copy a window, a row of it, a word


def reading(types: Types) -> Reading:
    assert types[1]
    return Reading(1, 0, -(-int(np.prod(types[1].shape[1:])) // WORD))


def refusal(op: Conv2D) -> str | None:
    return "groups or dilated columns" if op.groups > 1 or op.dilation[1] > 1 else None


def accepts(graph: Graph, node: Node) -> str | None:
    assert isinstance(node.op, Conv2D)
    found = refusal(node.op) or layer(graph, node, 0)
    return found if isinstance(found, str) else None


def pack(graph: Graph, node: Node) -> Packed:
    found, types = layer(graph, node, 0), graph.types(node)
    assert isinstance(found, Layer) and isinstance(node.op, Conv2D) and types[0]
    way = reading(types)
    window = node.op.window(types).params(types[0].shape, node.op.infer(types)[0].shape)
    words = interleaved(found.weights.reshape(len(found.weights), 1, -1), way)
    params = {**window, **way.params, **found.params, "x_zero": types[0].quantized.zero[0]}
    return Packed((("table", whole(found.table)), ("words", words)), params)


def scratch(op: Op, types: Types) -> int:
    """Bytes: two windows."""
    return 2 * WORD * reading(types).words


def trail(op: Op, types: Types) -> int | None:
    """Row by row, of which each is read while it is written; None for several images."""
    assert types[0]
    return None if types[0].shape[0] > 1 else Rows.of(op, types).trail(together=1, ahead=False)


def cost(graph: Graph, node: Node) -> int:
    types = graph.types(node)
    assert types[1]
    (y,) = node.op.infer(types)
    rows, columns, way = y.shape[0] * y.shape[1], y.shape[2], reading(types)
    copies = rows * columns * (_WINDOW_COST + types[1].shape[1] * _ROW_COST + way.words * _WORD_COST)
    return copies + way.cost(rows * (columns // 2), rows * (columns % 2), y.shape[3])


KERNELS = (Kernel("conv2d_s8_xcv", "conv2d_s8", accepts, pack, cost, scratch=scratch, trail=trail),)
