"""What depthwise_conv2d_xcv.h takes: of each channel its taps by columns and how sums become codes, in one table."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Graph, Node, Op, Types
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D

from ....target import Kernel, Packed
from ....trail import window_trail
from .layer import Layer, layer

_TAPS = 3
_PIXEL_COST, _COLUMN_COST, _ROW_COST = 36, 14, 40  # cycles of the RTL: two channels of a pixel, a column of input, a row


def _refusal(op: DepthwiseConv2D, types: Types) -> str | None:
    assert types[0] and types[1]
    if types[1].shape[:2] != (_TAPS, _TAPS):
        return "kernels other than 3 x 3"
    if op.dilation[1] > 1 or op.stride[1] > _TAPS:
        return "dilated columns, or some that no window sees"
    if types[0].shape[3] != types[1].shape[2]:
        return "several outputs of a channel"
    return "a single channel" if types[0].shape[3] < 2 else None


def accepts(graph: Graph, node: Node) -> str | None:
    assert isinstance(node.op, DepthwiseConv2D)
    found = _refusal(node.op, graph.types(node)) or layer(graph, node, 2)
    return found if isinstance(found, str) else None


def pack(graph: Graph, node: Node) -> Packed:
    op, found, types = node.op, layer(graph, node, 2), graph.types(node)
    assert isinstance(found, Layer) and isinstance(op, DepthwiseConv2D) and types[0]
    taps = np.zeros((len(found.table), _TAPS, _TAPS + 1), np.int8)  # channel, column, row
    taps[..., :_TAPS] = found.weights.transpose(2, 1, 0)
    words = np.frombuffer(taps.tobytes(), np.int32).reshape(len(found.table), _TAPS)
    window = op.window(types).params(types[0].shape, op.infer(types)[0].shape)
    params = {**window, **found.params, "x_zero": types[0].quantized.zero[0]}
    return Packed((("table", np.concatenate([words, found.table], axis=1).astype(np.int32)),), params)


def scratch(op: Op, types: Types) -> int:
    """Bytes: a row of padding where a window meets it above or below."""
    assert isinstance(op, DepthwiseConv2D) and types[0]
    return types[0].shape[2] * types[0].shape[3] if op.pads[0] or op.pads[2] else 0


def cost(graph: Graph, node: Node) -> int:
    op, types = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2D)
    (y,) = op.infer(types)
    row = y.shape[2] * (_PIXEL_COST + op.stride[1] * _COLUMN_COST) + _ROW_COST
    return y.shape[0] * y.shape[1] * -(-y.shape[3] // 2) * row


KERNELS = (Kernel("depthwise_conv2d_s8_xcv", "depthwise_conv2d_s8", accepts, pack, cost, scratch=scratch, trail=window_trail),)
