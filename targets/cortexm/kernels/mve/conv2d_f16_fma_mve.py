"""conv2d of f16 with sums in f16 on Helium: the layout of weights, and what it costs."""
from __future__ import annotations

from functools import partial

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.conv2d import Conv2D

from ....target import Kernel, Packed
from ..fpu.conv2d_blocks import pointwise_as_row
from ..fpu.lines import goes_down, lines_trail, together_and_rest
from .helium_f16 import LANES, bias, by_vectors, end_fields, refusal

TOGETHER = 3  # pixels
WIDTH = 2 * LANES  # output channels


def accepts(graph: Graph, node: Node) -> str | None:
    assert isinstance(node.op, Conv2D)
    if node.op.groups > 1 or node.op.dilation[1] > 1:
        return "groups" if node.op.groups > 1 else "taps of a row that do not lie side by side"
    return refusal(graph, node)


def pack(graph: Graph, node: Node) -> Packed:
    """Weights in groups of 16 outputs, the last of 8 if it has no more."""
    op, types = node.op, pointwise_as_row(graph, node)
    assert isinstance(op, Conv2D) and types[0]
    w = graph.data(node.inputs[1])
    window = op.window(types).params(types[0].shape, op.infer(types)[0].shape)
    constants = (("weights", by_vectors(w.reshape(len(w), -1), WIDTH)), ("bias", bias(graph, node, len(w))))
    return Packed(constants, {**window, "down": int(goes_down(op, types, TOGETHER)), **end_fields(node)})


def cost(graph: Graph, node: Node) -> int:
    op, types = node.op, pointwise_as_row(graph, node)
    assert isinstance(op, Conv2D) and types[1]
    w = types[1]
    groups, rest = together_and_rest(op, types, goes_down(op, types, TOGETHER), TOGETHER)
    count = w.size // w.shape[0]
    return (groups + rest) * -(-w.shape[0] // WIDTH) * (12 * count + 14 * w.shape[1] + 90)


KERNELS = (
    Kernel("conv2d_f16_fma_mve", of="conv2d_f16_fma", accepts=accepts, pack=pack, cost=cost, trail=partial(lines_trail, count=TOGETHER)),
)
