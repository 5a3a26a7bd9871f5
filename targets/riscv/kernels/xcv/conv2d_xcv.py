"""What conv2d_xcv.h takes: windows in a strip, as one run of words that ends in codes that no weight counts."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Graph, Node, Op, Types
from tapeout.compiler.ops.conv2d import Conv2D

from ....target import Kernel, Packed
from ....trail import Rows
from .layer import WORD, Layer, Reading, interleaved, layer, whole

_PIXEL_COST, _BYTES_COST = 5, 2.5  # cycles of the RTL, to copy a pixel of a row, a word of it or less


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
    columns = found.weights.transpose(0, 2, 1, 3)  # outputs, columns, rows, inputs
    words = interleaved(columns.reshape(len(columns), 1, -1), way)
    params = {**window, **way.params, **found.params, "x_zero": types[0].quantized.zero[0], "strip": _strip(node.op, types)}
    return Packed((("table", whole(found.table)), ("words", words)), params)


def _strip(op: Conv2D, types: Types) -> int:
    """Bytes of the columns that the windows of a row see, and up to a whole word of the last window."""
    assert types[1]
    _, k_h, _, in_c = types[1].shape
    windows = op.infer(types)[0].shape[2]
    return (windows - 1) * op.stride[1] * k_h * in_c + WORD * reading(types).words


def scratch(op: Op, types: Types) -> int:
    """Bytes: a strip, and a pixel of padding."""
    assert isinstance(op, Conv2D) and types[1]
    return _strip(op, types) + types[1].shape[3]


def trail(op: Op, types: Types) -> int | None:
    """Row by row, of which each is read before it is written; None for several images."""
    assert types[0]
    return None if types[0].shape[0] > 1 else Rows.of(op, types).trail(together=1, ahead=True)


def cost(graph: Graph, node: Node) -> int:
    op, types = node.op, graph.types(node)
    assert isinstance(op, Conv2D) and types[0] and types[1]
    (y,) = op.infer(types)
    _, k_h, _, in_c = types[1].shape
    rows, pixels = y.shape[0] * y.shape[1], types[0].shape[2]
    copies = rows * k_h * pixels * (_PIXEL_COST + int(_BYTES_COST * -(-in_c // WORD)))
    return copies + reading(types).cost(rows, y.shape[2], y.shape[3])


KERNELS = (Kernel("conv2d_s8_xcv", "conv2d_s8", accepts, pack, cost, scratch=scratch, trail=trail),)
