"""depthwise_conv2d of floats on a scalar float unit: what it takes, and what it costs."""
from __future__ import annotations

from functools import partial

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D

from ....target import Kernel, Packed
from .float_blocks import BLOCK, bias_of, float_fields
from .lines import goes_down, lines_trail, together_and_rest


def accepts(graph: Graph, node: Node) -> str | None:
    x, w, *_ = graph.types(node)
    assert x and w
    if w.shape[2] != x.shape[3]:
        return "several output channels of an input channel"
    return None if all(graph.values[i].constant for i in node.inputs[1:] if i) else "weights that are no constants"


def pack(graph: Graph, node: Node) -> Packed:
    """The constants as they are."""
    op, types = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2D) and types[0]
    w = graph.data(node.inputs[1])
    window = op.window(types).params(types[0].shape, op.infer(types)[0].shape)
    constants = (("weights", w), ("bias", bias_of(graph, node, w.shape[2])))
    return Packed(constants, {**window, "down": int(goes_down(op, types, BLOCK)), **float_fields(op)})


def cost(graph: Graph, node: Node) -> int:
    op, types = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2D) and types[1]
    k_h, k_w, channels = types[1].shape
    blocks, rest = together_and_rest(op, types, goes_down(op, types, BLOCK), BLOCK)
    return -(-channels // BLOCK) * (blocks * (62 * k_h * k_w + 250) + rest * (22 * k_h * k_w + 80))


KERNELS = tuple(
    Kernel(
        f"depthwise_conv2d_{form}_blocks", of=f"depthwise_conv2d_{form}", accepts=accepts, pack=pack, cost=cost,
        trail=partial(lines_trail, count=BLOCK),
    )
    for form in ("f32", "f16", "bf16")
)
