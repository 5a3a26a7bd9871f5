"""What depthwise_conv2d_channels.h takes: by channels nine taps, bytes, and the numbers of a line, words."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.fixed import Int
from tapeout.compiler.ir import Graph, Node, Op, Types
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.requant import Requant

from ....target import Kernel, Packed
from ..dsp.depthwise_conv2d_pairs import inplace, unfit, window
from .word_sums import Sums

_ROWS, _TAPS = 3, 9
_OUTPUT_COST, _BENT_COST, _ROW_COST, _FILL_COST, _CHANNEL_COST = 51, 4, 110, 6, 170  # instructions, counted in what gcc 12 makes


def _columns(op: Op, types: Types) -> int:
    """Of a row in scratch: all that windows see."""
    assert isinstance(op, DepthwiseConv2D)
    return (op.infer(types)[0].shape[2] - 1) * op.stride[1] + _ROWS


def _weights(graph: Graph, node: Node) -> Int:
    w = graph.data(node.inputs[1]).astype(np.int64)
    return w.reshape(-1, w.shape[2]).T


def _sums(graph: Graph, node: Node) -> Sums | str:
    op = node.op
    assert isinstance(op, DepthwiseConv2D) and isinstance(op.requant, Requant)
    return Sums.of(graph, node, _weights(graph, node), op.requant)


def _accepts(graph: Graph, node: Node) -> str | None:
    op, types = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2D) and types[1]
    if (reason := unfit(graph, node)) is not None:
        return reason
    if types[1].shape[:2] != (3, 3) or op.dilation != (1, 1):
        return "a kernel of other than 3 x 3 taps side by side"
    found = _sums(graph, node)
    return found if isinstance(found, str) else None


def _pack(graph: Graph, node: Node) -> Packed:
    sums, types = _sums(graph, node), graph.types(node)
    assert isinstance(sums, Sums) and types[0]
    taps, numbers = np.ascontiguousarray(sums.weights).astype(np.int8), sums.slope.words(sums.start)
    fields = {"x_zero": types[0].quantized.zero[0], "columns": _columns(node.op, types), "bent": int(sums.slope.bent)}
    return Packed((("taps", taps), ("numbers", numbers)), {**window(graph, node), **fields})


def _scratch(op: Op, types: Types) -> int:
    return 4 * _ROWS * _columns(op, types)


def _cost(graph: Graph, node: Node) -> int:
    sums, types = _sums(graph, node), graph.types(node)
    assert isinstance(sums, Sums) and isinstance(node.op, DepthwiseConv2D) and types[0]
    batches, out_h, out_w, channels = node.op.infer(types)[0].shape
    output = _OUTPUT_COST + _BENT_COST * sums.slope.bent
    filled = ((out_h - 1) * min(node.op.stride[0], _ROWS) + _ROWS) * _columns(node.op, types)
    return batches * channels * (out_h * (out_w * output + _ROW_COST) + filled * _FILL_COST + _CHANNEL_COST)


KERNELS = (
    Kernel(
        "depthwise_conv2d_channels_s8", of="depthwise_conv2d_s8", accepts=_accepts, pack=_pack, cost=_cost, scratch=_scratch,
        inplace=inplace,
    ),
)
