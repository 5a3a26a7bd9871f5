"""depthwise_conv2d of f16 with sums in f32 on Helium: what it takes, and what it costs."""
from __future__ import annotations

from functools import partial

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D

from ....target import Kernel, Packed
from ..fpu.lines import goes_down, lines_trail, together_and_rest
from .helium_f16 import LANES
from .helium_f16_wide import bias_by_halves, end_fields, refusal

TOGETHER = 2  # pixels


def accepts(graph: Graph, node: Node) -> str | None:
    x, w, *_ = graph.types(node)
    assert x and w
    return "several output channels of an input channel" if w.shape[2] != x.shape[3] else refusal(graph, node)


def pack(graph: Graph, node: Node) -> Packed:
    """The weights as they are."""
    op, types = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2D) and types[0]
    w = graph.data(node.inputs[1])
    window = op.window(types).params(types[0].shape, op.infer(types)[0].shape)
    constants = (("weights", w), ("bias", bias_by_halves(graph, node, w.shape[2])))
    return Packed(constants, {**window, "down": int(goes_down(op, types, TOGETHER)), **end_fields(node)})


def cost(graph: Graph, node: Node) -> int:
    op, types = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2D) and types[1]
    k_h, k_w, channels = types[1].shape
    groups, rest = together_and_rest(op, types, goes_down(op, types, TOGETHER), TOGETHER)
    return (groups + rest) * -(-channels // LANES) * (14 * k_h * k_w + 8 * k_h + 75)


KERNELS = (
    Kernel(
        "depthwise_conv2d_f16_mve", of="depthwise_conv2d_f16", accepts=accepts, pack=pack, cost=cost,
        trail=partial(lines_trail, count=TOGETHER),
    ),
)
