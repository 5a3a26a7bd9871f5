"""What depthwise_conv2d_shared.h takes: weights of 8 bits, and the power of two by which they become those of depthwise_conv2d_pairs.h."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Graph, Node, Op, Types
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.requant import Requant

from ....target import Kernel, Packed
from .depthwise_conv2d_pairs import GROUP, form, inplace, params, parts, scratch, words

_TABLE = GROUP * 9 * 4  # bytes of scratch for the weights of four channels


def _accepts(graph: Graph, node: Node) -> str | None:
    op = node.op
    assert isinstance(op, DepthwiseConv2D) and isinstance(op.requant, Requant)
    if (op.requant.lo, op.requant.hi) != (-128, 127):
        return f"codes clipped to {op.requant.lo} .. {op.requant.hi}"
    found = form(graph, node)
    return found if isinstance(found, str) else None


def _pack(graph: Graph, node: Node) -> Packed:
    """Weights and the channel's power of two (C, 10), int8; where sums begin, mul, add (C, 3)."""
    w, others, found = parts(graph, node)
    taps = np.concatenate([w.reshape(9, -1), [found.power]]).T.astype(np.int8)
    return Packed((("taps", np.ascontiguousarray(taps)), ("table", words(others))), params(graph, node, found.shift))


def _scratch(op: Op, types: Types) -> int:
    return scratch(op, types) + _TABLE


def _cost(graph: Graph, node: Node) -> int:
    op, types = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2D)
    batches, out_h, out_w, channels = op.infer(types)[0].shape
    if op.stride == (1, 1):
        steps, channel = -(-out_h // 2), 25 + 53 * (out_w // 2) + 31 * (out_w % 2)
    else:
        steps, channel = out_h, 25 + 33 * (out_w // 2) + 20 * (out_w % 2)
    fill = 80 + scratch(op, types) // 2
    return batches * (channels * (steps * channel + 50) + -(-channels // GROUP) * (steps + 1) * fill)


KERNELS = (
    Kernel(
        "depthwise_conv2d_shared_s8", of="depthwise_conv2d_s8", accepts=_accepts, pack=_pack, cost=_cost, scratch=_scratch, inplace=inplace,
    ),
)
