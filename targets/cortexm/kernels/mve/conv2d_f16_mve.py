"""conv2d of f16 with sums in f32 on Helium: the layout of weights, scratch, and what it costs."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node, Op, Types
from tapeout.compiler.ops.conv2d import Conv2D

from ....target import Kernel, Packed
from ....trail import window_trail
from .helium_f16 import LANES, by_vectors
from .helium_f16_wide import bias_by_halves, end_fields, refusal

TOGETHER = 3  # pixels


def accepts(graph: Graph, node: Node) -> str | None:
    assert isinstance(node.op, Conv2D)
    if node.op.groups > 1 or node.op.dilation[1] > 1:
        return "groups" if node.op.groups > 1 else "taps of a row that do not lie side by side"
    return refusal(graph, node)


def pack(graph: Graph, node: Node) -> Packed:
    """Weights in groups of eight outputs."""
    op, types = node.op, graph.types(node)
    assert isinstance(op, Conv2D) and types[0]
    w = graph.data(node.inputs[1])
    window = op.window(types).params(types[0].shape, op.infer(types)[0].shape)
    constants = (("weights", by_vectors(w.reshape(len(w), -1), LANES)), ("bias", bias_by_halves(graph, node, len(w))))
    return Packed(constants, {**window, **end_fields(node)})


def cost(graph: Graph, node: Node) -> int:
    w, y = graph.types(node)[1], node.op.infer(graph.types(node))[0]
    assert w
    count, pixels = w.size // w.shape[0], y.size // y.shape[3]
    return -(-pixels // TOGETHER) * (-(-w.shape[0] // LANES) * (13 * count + 75) + 3 * (count + 60 + 20 * w.shape[1]))


def three_windows(op: Op, types: Types) -> int:
    """As float."""
    assert types[1]
    return 4 * TOGETHER * types[1].size // types[1].shape[0]


KERNELS = (
    Kernel(
        "conv2d_f16_mve", of="conv2d_f16", accepts=accepts, pack=pack, cost=cost, trail=window_trail, scratch=three_windows, sparse=True,
    ),
)
