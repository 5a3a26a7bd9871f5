"""What depthwise_conv2d_pairs.h takes: rows in pairs, weights in pairs of 16 bits, one table of ten words per channel."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array, Graph, Node, Op, Types
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.passes.check_accumulators import largest_sums

from ....target import Kernel, Packed
from ...common_shift import CommonShift, common_shift

_GROUP = 4  # channels whose rows are paired together
_WORD = 4
_IMMEDIATE = 1 << 12  # of an ADD
_WIDE_IMMEDIATE = 1 << 16  # of a MOVW


def _accepts(graph: Graph, node: Node) -> str | None:
    form = _form(graph, node)
    return form if isinstance(form, str) else None


def _form(graph: Graph, node: Node) -> CommonShift | str:
    op, types = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2D) and types[0] and types[1] and isinstance(op.requant, Requant)
    channels = types[1].shape[2]
    if types[1].shape[:2] != (3, 3) or op.stride not in ((1, 1), (2, 2)) or op.dilation != (1, 1):
        return "a kernel of other than 3 x 3 taps side by side, in steps of 1 or of 2"
    if types[0].shape[3] != channels:
        return "several output channels per input channel"
    if channels >= _IMMEDIATE or types[0].shape[2] * channels >= _WIDE_IMMEDIATE or _columns(op, types) * _pixel_bytes() >= _WIDE_IMMEDIATE:
        return "rows that are too long"
    if any(graph.values[name].data is None for name in node.inputs[1:] if name):
        return "weights that are computed"
    w, _, mul, shift = _constants(graph, node)
    sums = largest_sums(graph, node)
    assert sums is not None
    return common_shift(op.requant, mul, shift, np.broadcast_to(sums, (channels,)), np.abs(w).max(axis=(0, 1)))


def _constants(graph: Graph, node: Node) -> tuple[Array, Array, Array, Array]:
    """Weights (3, 3, C), and bias, multipliers and shifts (C,), as int64."""
    arrays = [graph.values[name].data if name else np.zeros(1) for name in node.inputs[1:5]]
    w, b, mul, shift = (np.asarray(a).astype(np.int64) for a in arrays)
    channels = w.shape[2]
    return w, *(np.broadcast_to(a, (channels,)) for a in (b, mul, shift))


def _pack(graph: Graph, node: Node) -> Packed:
    """The constant (C, 9): the pairs (0, 1) and (1, 2) of each column of taps, the first in the lower half; where sums begin, mul, add."""
    op, types, form = node.op, graph.types(node), _form(graph, node)
    assert isinstance(op, DepthwiseConv2D) and isinstance(op.requant, Requant) and types[0] and isinstance(form, CommonShift)
    w, b, _, _ = _constants(graph, node)
    bias = ((b - types[0].quantized.zero[0] * w.sum(axis=(0, 1))) << form.power) + form.more
    taps = w << form.power
    pairs = [(taps[row] & 0xFFFF) | (taps[row + 1] << 16) for row in (0, 1)]
    table = np.concatenate([*pairs, [bias, form.mul, form.add]]).T
    window = op.window(types).params(types[0].shape, op.infer(types)[0].shape)
    params = {"x_zero": types[0].quantized.zero[0], "lo": op.requant.lo, "hi": op.requant.hi, "shift": form.shift}
    return Packed((("table", np.ascontiguousarray(table).astype(np.uint32).view(np.int32)),), {**window, **params})


def _columns(op: Op, types: Types) -> int:
    """Columns of input, and of padding, that windows see."""
    assert isinstance(op, DepthwiseConv2D)
    return (op.infer(types)[0].shape[2] - 1) * op.stride[1] + 3


def _pixel_bytes() -> int:
    return 2 * _GROUP * _WORD


def _scratch(op: Op, types: Types) -> int:
    """Two pairs of rows of four channels."""
    return _columns(op, types) * _pixel_bytes()


def _cost(graph: Graph, node: Node) -> int:
    op, types = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2D)
    batches, out_h, out_w, channels = op.infer(types)[0].shape
    steps = -(-out_h // 2) if op.stride == (1, 1) else out_h
    blocks, block, last = out_w // 2, *((45, 26) if op.stride == (1, 1) else (29, 18))
    sums = channels * steps * (12 + block * blocks + last * (out_w % 2))
    pairs = -(-channels // _GROUP) * (steps + 1) * (60 + 18 * _columns(op, types))
    return batches * (sums + pairs) + 100


KERNELS = (
    Kernel("depthwise_conv2d_pairs_s8", of="depthwise_conv2d_s8", accepts=_accepts, pack=_pack, cost=_cost, scratch=_scratch, widens=True),
)
