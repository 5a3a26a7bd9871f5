"""depthwise_conv2d on Helium: tiles of 4 x 4 codes of a channel, the layout of the taps in them, and what it costs."""
from __future__ import annotations

from functools import partial

import numpy as np

from tapeout.compiler.fixed import INT32_MAX
from tapeout.compiler.ir import Array, Graph, Node, Op, Types
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.passes.check_accumulators import largest_sums

from ....target import Kernel, Packed
from ....trail import Rows
from .layer import LANES, Held, Layer, layer

TILE = 4  # rows and columns


def side(op: Op, types: Types) -> int:
    """Outputs of a tile along each axis."""
    assert isinstance(op, DepthwiseConv2D) and types[1]
    return 2 if max(types[1].shape[:2]) < TILE and op.stride == (1, 1) else 1


def width(op: Op, types: Types) -> int:
    """Pixels of an interleaved row: x with the padding at its left, and all that the last tiles read."""
    assert isinstance(op, DepthwiseConv2D) and types[0]
    out_w, outputs = op.infer(types)[0].shape[2], 8 // side(op, types)
    half = outputs // 2
    tiles = -(-out_w // half) * half // side(op, types)
    return max(op.pads[1] + types[0].shape[2], (tiles - 1) * side(op, types) * op.stride[1] + TILE)


def accepts(graph: Graph, node: Node, held: Held) -> str | None:
    if reason := held.refusal(graph, node):
        return reason
    types, op = graph.types(node), node.op
    assert isinstance(op, DepthwiseConv2D) and types[0] and types[1]
    y = op.infer(types)[0]
    if y.shape[3] != types[0].shape[3]:
        return "several outputs of a channel"
    if max(types[1].shape[:2]) > TILE or op.dilation != (1, 1):
        return "windows that are no part of 4 x 4 pixels"
    if types[0].shape[2] * types[0].shape[3] < LANES:
        return "rows of fewer than 16 codes"
    if (y.shape[2] + 8) * y.shape[3] >= 1 << 16:
        return "offsets of more than 16 bits"
    found = layer(graph, node, 2)
    if isinstance(found, str):
        return found
    return None if _doubled_fit(graph, node, found) else "doubled sums that leave 32 bits on the way"


def _doubled_fit(graph: Graph, node: Node, found: Layer) -> bool:
    """Whether the high words of doubled products fit, which are all that there are of vectors by scalars."""
    sums = largest_sums(graph, node)
    assert sums is not None
    reach = np.broadcast_to(sums, found.form.mul.shape).astype(object) * abs(found.form.mul.astype(object)) // (1 << 31)
    return found.form.doubled or bool(max(reach + 2 * abs(found.form.add.astype(object))) + 2 <= INT32_MAX)


def taps(weights: Array, outputs: int) -> Array:
    """(C, outputs**2, 16) int8: weights (k_h, k_w, C) at their places in a tile for each output; a column's rows lie together."""
    k_h, k_w, channels = weights.shape
    found = np.zeros((channels, outputs, outputs, TILE, TILE), np.int8)
    for i in range(outputs):
        for j in range(outputs):
            found[:, i, j, j : j + k_w, i : i + k_h] = weights.transpose(2, 1, 0)
    return found.reshape(channels, outputs**2, LANES)


def pack(graph: Graph, node: Node) -> Packed:
    found, types, op = layer(graph, node, 2), graph.types(node), node.op
    assert isinstance(found, Layer) and isinstance(op, DepthwiseConv2D) and types[0]
    channels = found.weights.shape[2]
    table = found.tables(channels)
    if not found.form.doubled:
        table = table * (1, 1, 2, 1) - (0, 0, 0, 1)
    words = taps(found.weights, side(op, types)).reshape(channels, -1).view("<i4")
    data = np.ascontiguousarray(np.concatenate([words, table], axis=1).astype(np.int32))
    window = op.window(types).params(types[0].shape, op.infer(types)[0].shape)
    fields = {"side": side(op, types), "width": width(op, types), "x_zero": types[0].quantized.zero[0]}
    return Packed((("stream", data),), {**window, **fields, **found.params})


def cost(graph: Graph, node: Node) -> int:
    found, types = layer(graph, node, 2), graph.types(node)
    assert isinstance(found, Layer) and types[0]
    n, out_h, out_w, channels = node.op.infer(types)[0].shape
    per = side(node.op, types)
    rows, bodies = n * -(-out_h // per), -(-out_w // (4 // per)) / 2
    interleaving = types[0].shape[2] * channels / LANES * 13 + 60
    return int(rows * (interleaving + channels * (22 + bodies * ((10 if per == 2 else 16) + found.finish_cost + 1))))


def scratch(op: Op, types: Types) -> int:
    """Four rows of x, interleaved."""
    assert types[0]
    return TILE * width(op, types) * types[0].shape[3]


def trail(op: Op, types: Types) -> int | None:
    """All that one or two rows of output need is in scratch before they are written."""
    assert types[0]
    return None if types[0].shape[0] > 1 else Rows.of(op, types).trail(together=1, ahead=True)


def kernel(symbol: str, of: str, held: Held) -> Kernel:
    """Of weights in bytes, whether the layer has them so or in nibbles: a tile has more zeros than weights."""
    return Kernel(symbol, of, partial(accepts, held=held), pack, cost, widens=True, scratch=scratch, trail=trail)


KERNELS = (kernel("depthwise_conv2d_s8_mve", "depthwise_conv2d_s8", Held.BYTES),)
