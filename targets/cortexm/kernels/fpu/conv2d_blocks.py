"""conv2d of floats on a scalar float unit: the layout of weights, and what it costs."""
from __future__ import annotations

from dataclasses import replace
from functools import partial

from tapeout.compiler.ir import Graph, Node, Types
from tapeout.compiler.ops.conv2d import Conv2D

from ....target import Kernel, Packed
from .float_blocks import BLOCK, block_cost, by_blocks, float_fields
from .lines import goes_down, lines_trail, together_and_rest


def accepts(graph: Graph, node: Node) -> str | None:
    assert isinstance(node.op, Conv2D)
    if node.op.groups > 1:
        return "groups"
    return None if all(graph.values[i].constant for i in node.inputs[1:] if i) else "weights that are no constants"


def pack(graph: Graph, node: Node) -> Packed:
    """Weights in groups of four outputs."""
    op, types = node.op, pointwise_as_row(graph, node)
    assert isinstance(op, Conv2D) and types[0]
    window = op.window(types).params(types[0].shape, op.infer(types)[0].shape)
    return Packed(by_blocks(graph, node), {**window, "down": int(goes_down(op, types, BLOCK)), **float_fields(op)})


def pointwise_as_row(graph: Graph, node: Node) -> Types:
    """Those of the node, the pixels of a pointwise layer as a single row."""
    op, (x, w, *others) = node.op, graph.types(node)
    assert isinstance(op, Conv2D) and x and w
    if w.shape[1:3] == op.stride == (1, 1) and not any(op.pads):
        x = replace(x, shape=(1, 1, x.size // x.shape[3], x.shape[3]))
    return x, w, *others


def cost(graph: Graph, node: Node) -> int:
    op, types = node.op, pointwise_as_row(graph, node)
    assert isinstance(op, Conv2D) and types[1]
    w = types[1]
    return block_cost(*together_and_rest(op, types, goes_down(op, types, BLOCK), BLOCK), w.shape[0], w.size // w.shape[0])


KERNELS = tuple(
    Kernel(f"conv2d_{form}_blocks", of=f"conv2d_{form}", accepts=accepts, pack=pack, cost=cost, trail=partial(lines_trail, count=BLOCK))
    for form in ("f32", "f16", "bf16")
)
