"""What depthwise_conv2d_pairs.h takes: weights in pairs of 16 bits, one table of nine words per channel."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array, Graph, Node, Op, Param, Types
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.passes.check_accumulators import largest_sums

from ....target import Kernel, Packed
from ...common_shift import CommonShift, common_shift

GROUP = 4  # channels whose rows are paired together
_COLUMN = 2 * GROUP * 4  # bytes of scratch
_IMMEDIATE = 1 << 12  # of an ADD
_WIDE_IMMEDIATE = 1 << 16  # of a MOVW


def _accepts(graph: Graph, node: Node) -> str | None:
    found = form(graph, node)
    return found if isinstance(found, str) else None


def form(graph: Graph, node: Node) -> CommonShift | str:
    """The requantization of a layer, or why these kernels do not run it."""
    op, types = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2D) and types[0] and types[1] and isinstance(op.requant, Requant)
    if (reason := unfit(graph, node)) is not None:
        return reason
    channels = types[1].shape[2]
    if types[1].shape[:2] != (3, 3) or op.stride not in ((1, 1), (2, 2)) or op.dilation != (1, 1):
        return "a kernel of other than 3 x 3 taps side by side, in steps of 1 or of 2"
    row = op.infer(types)[0].shape[2] * channels
    if channels >= _IMMEDIATE or row >= _WIDE_IMMEDIATE or scratch(op, types) >= _WIDE_IMMEDIATE:
        return "rows that are too long"
    w, _, mul, shift = constants(graph, node)
    sums = largest_sums(graph, node)
    assert sums is not None
    return common_shift(op.requant, mul, shift, np.broadcast_to(sums, (channels,)), np.abs(w).max(axis=(0, 1)))


def unfit(graph: Graph, node: Node) -> str | None:
    """Why no kernel by groups of channels runs a layer, if none does."""
    types = graph.types(node)
    assert types[0] and types[1]
    if types[0].shape[3] != types[1].shape[2]:
        return "several output channels per input channel"
    if any(graph.values[name].data is None for name in node.inputs[1:] if name):
        return "weights that are computed"
    return None


def constants(graph: Graph, node: Node) -> tuple[Array, Array, Array, Array]:
    """Weights (3, 3, C), and bias, multipliers and shifts (C,), as int64."""
    arrays = [graph.values[name].data if name else np.zeros(1) for name in node.inputs[1:5]]
    w, *others = (np.asarray(a).astype(np.int64) for a in arrays)
    b, mul, shift = (np.broadcast_to(a, (w.shape[2],)) for a in others)
    return w, b, mul, shift


def parts(graph: Graph, node: Node) -> tuple[Array, Array, CommonShift]:
    """Weights (3, 3, C), what a table holds of each channel besides: where sums begin, mul, add (3, C), and the powers of two."""
    types, found = graph.types(node), form(graph, node)
    assert types[0] and isinstance(found, CommonShift)
    w, b, _, _ = constants(graph, node)
    begin = ((b - types[0].quantized.zero[0] * w.sum(axis=(0, 1))) << found.power) + found.more
    return w, np.stack([begin, found.mul, found.add]), found


def words(table: Array) -> Array:
    """Numbers (words, C), the lower 32 bits of them, as one table of int32 (C, words)."""
    return np.ascontiguousarray(table.T).astype(np.uint32).view(np.int32)


def window(graph: Graph, node: Node) -> dict[str, int]:
    """The fields of `window`."""
    op, types = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2D) and types[0]
    return op.window(types).params(types[0].shape, op.infer(types)[0].shape)


def params(graph: Graph, node: Node, shift: int) -> dict[str, Param]:
    """The fields of the parameters of kernels by pairs of rows, but lo and hi."""
    types = graph.types(node)
    assert types[0]
    return {**window(graph, node), "x_zero": types[0].quantized.zero[0], "shift": shift}


def _pack(graph: Graph, node: Node) -> Packed:
    """The constant (C, 9): the pairs (0, 1) and (1, 2) of each column of taps, the first in the lower half; where sums begin, mul, add."""
    w, others, found = parts(graph, node)
    taps = w << found.power
    pairs = [(taps[row] & 0xFFFF) | (taps[row + 1] << 16) for row in (0, 1)]
    op = node.op
    assert isinstance(op, DepthwiseConv2D) and isinstance(op.requant, Requant)
    limits = {"lo": op.requant.lo, "hi": op.requant.hi}
    return Packed((("table", words(np.concatenate([*pairs, others]))),), params(graph, node, found.shift) | limits)


def scratch(op: Op, types: Types) -> int:
    """Bytes of two pairs of rows, of four channels, of as many columns as windows see."""
    assert isinstance(op, DepthwiseConv2D)
    return ((op.infer(types)[0].shape[2] - 1) * op.stride[1] + 3) * _COLUMN


def cost(graph: Graph, node: Node) -> int:
    op, types = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2D)
    batches, out_h, out_w, channels = op.infer(types)[0].shape
    if op.stride == (1, 1):
        steps, channel = -(-out_h // 2), 10 + 45 * (out_w // 2) + 26 * (out_w % 2)
    else:
        steps, channel = out_h, 10 + 51 * (out_w // 4) + 27 * (out_w // 2 % 2) + 17 * (out_w % 2)
    fill = 45 + 15 * scratch(op, types) // _COLUMN
    return batches * (channels * steps * channel + -(-channels // GROUP) * (steps + 1) * fill)


def inplace(op: Op, types: Types) -> bool:
    """Of outputs as large as the input: a group of channels has its rows in scratch before it writes them, and no other reads them."""
    return types[0] is not None and types[0].shape == op.infer(types)[0].shape


KERNELS = (
    Kernel(
        "depthwise_conv2d_pairs_s8", of="depthwise_conv2d_s8", accepts=_accepts, pack=_pack, cost=cost, scratch=scratch, inplace=inplace,
        widens=True,
    ),
)
