"""What depthwise_conv2d_fours.h takes: groups of four channels, the last of which may overlap the one before."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array, Graph, Node
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.requant import Requant

from ....high_word import HighWord, high_word
from ....target import Kernel, Packed
from ....trail import window_trail
from .depthwise_conv2d_pairs import GROUP, constants, unfit, window


def _form(graph: Graph, node: Node) -> HighWord | str:
    op, types = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2D) and isinstance(op.requant, Requant) and types[1]
    if types[1].shape[2] < GROUP:
        return "fewer than four channels"
    return unfit(graph, node) or high_word(graph, node, op.requant, types[1].shape[2])


def accepts(graph: Graph, node: Node) -> str | None:
    found = _form(graph, node)
    return found if isinstance(found, str) else None


def pack(graph: Graph, node: Node) -> Packed:
    """Words (groups, k_h, k_w) of four weights, and the table (groups, 4, 4) of their channels."""
    op, types, found = node.op, graph.types(node), _form(graph, node)
    assert isinstance(op, DepthwiseConv2D) and isinstance(op.requant, Requant) and isinstance(found, HighWord) and types[0]
    w, b, _, _ = constants(graph, node)
    channels = _channels(w.shape[2])
    taps = np.ascontiguousarray(np.moveaxis(w[..., channels], 2, 0).astype(np.int8)).view(np.int32)[..., 0]
    limits = {"x_zero": types[0].quantized.zero[0], "lo": op.requant.lo, "hi": op.requant.hi, "doubled": int(found.doubled)}
    return Packed((("taps", taps), ("table", found.table(b)[channels])), {**window(graph, node), **limits})


def _channels(count: int) -> Array:
    """The channels of each group (groups, 4)."""
    first = np.minimum(np.arange(0, count, GROUP), count - GROUP)
    return np.asarray(first[:, np.newaxis] + np.arange(GROUP))


def cost(graph: Graph, node: Node) -> int:
    op, types = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2D) and types[1]
    batches, out_h, out_w, channels = op.infer(types)[0].shape
    k_h, k_w = types[1].shape[:2]
    return batches * out_h * out_w * (40 + -(-channels // GROUP) * (60 + k_h * (10 + 13 * k_w)))


KERNELS = (Kernel("depthwise_conv2d_fours_s8", of="depthwise_conv2d_s8", accepts=accepts, pack=pack, cost=cost, trail=window_trail),)
