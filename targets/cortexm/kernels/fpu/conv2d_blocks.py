"""conv2d of floats on a scalar float unit: the layout of weights, and what it costs."""
from __future__ import annotations

from dataclasses import replace

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.conv2d import Conv2D

from ....target import Kernel, Packed
from ....trail import window_trail
from .float_blocks import block_cost, by_blocks, float_fields


def accepts(graph: Graph, node: Node) -> str | None:
    assert isinstance(node.op, Conv2D)
    if node.op.groups > 1:
        return "groups"
    return None if all(graph.values[i].constant for i in node.inputs[1:] if i) else "weights that are no constants"


def pack(graph: Graph, node: Node) -> Packed:
    """Weights in groups of four outputs; the pixels of a pointwise layer as a single row."""
    op, (x, w, *_) = node.op, graph.types(node)
    assert isinstance(op, Conv2D) and x and w
    shapes = x.shape, op.infer(graph.types(node))[0].shape
    if w.shape[1:3] == op.stride == (1, 1) and not any(op.pads):
        x_shape, y_shape = ((1, 1, s[0] * s[1] * s[2], s[3]) for s in shapes)
        shapes, op = (x_shape, y_shape), replace(op, dilation=(1, 1))
    return Packed(by_blocks(graph, node), {**op.window(graph.types(node)).params(*shapes), **float_fields(op)})


def cost(graph: Graph, node: Node) -> int:
    (x, w, *_), y = graph.types(node), node.op.infer(graph.types(node))[0]
    assert x and w
    return block_cost(y.size // y.shape[3], y.shape[3], w.size // w.shape[0])


KERNELS = tuple(
    Kernel(f"conv2d_{form}_blocks", of=f"conv2d_{form}", accepts=accepts, pack=pack, cost=cost, trail=window_trail)
    for form in ("f32", "f16", "bf16")
)
