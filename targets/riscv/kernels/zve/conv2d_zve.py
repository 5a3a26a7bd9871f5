"""conv2d on vectors: which layers it runs, and what they cost."""
from __future__ import annotations

from math import prod

import numpy as np

from tapeout.compiler.ir import Graph, Node, Op, Types
from tapeout.compiler.ops.conv2d import Conv2D

from ....target import Kernel, Packed
from ....trail import Rows, window_trail
from .layer import TOGETHER, Layer, layer, refusal, vectors


def pixelwise(op: Op, types: Types) -> bool:
    """Whether the window of an output is the pixel in its place."""
    assert isinstance(op, Conv2D) and types[1]
    return types[1].shape[1:3] == op.stride == (1, 1) and not any(op.pads)


def accepts(graph: Graph, node: Node) -> str | None:
    assert isinstance(node.op, Conv2D)
    return "groups" if node.op.groups > 1 else refusal(graph, node)


def accepts_pixels(graph: Graph, node: Node) -> str | None:
    return accepts(graph, node) if pixelwise(node.op, graph.types(node)) else "windows of more than a pixel, or other ones"


def pack(graph: Graph, node: Node) -> Packed:
    found, types, op = layer(graph, node, 0), graph.types(node), node.op
    assert isinstance(found, Layer) and isinstance(op, Conv2D) and types[0]
    weights = np.ascontiguousarray(found.weights.T.astype(np.int8))
    window = op.window(types).params(types[0].shape, op.infer(types)[0].shape)
    return Packed((("weights", weights), *found.tables(raw=True)), {**window, "x_zero": found.x_zero, **found.params})


def cost_pixels(graph: Graph, node: Node) -> int:
    found = layer(graph, node, 0)
    assert isinstance(found, Layer)
    y = node.op.infer(graph.types(node))[0]
    outputs, inputs = map(int, found.weights.shape)
    groups = -(-y.size // outputs // TOGETHER)
    return int(groups * (vectors(outputs) * (10 * inputs + TOGETHER * found.finish_cost + 10) + 12))


def cost(graph: Graph, node: Node) -> int:
    types = graph.types(node)
    assert types[1]
    _, k_h, k_w, inputs = types[1].shape
    y = node.op.infer(types)[0]
    return cost_pixels(graph, node) + y.size // y.shape[3] * (50 + k_h * (12 + k_w * inputs // 16))


def scratch(op: Op, types: Types) -> int:
    assert types[1]
    return TOGETHER * prod(types[1].shape[1:])


def pixels_trail(op: Op, types: Types) -> int | None:
    """All that three pixels need is read until their last channels are written."""
    x, y = types[0], op.infer(types)[0]
    assert x and pixelwise(op, types)
    pixels = y.size // y.shape[3]
    return Rows(pixels, x.bytes // pixels, pixels, y.bytes // pixels, 1, 0).trail(together=TOGETHER, ahead=False)


KERNELS = (
    Kernel("conv2d_s8_zve", of="conv2d_s8", accepts=accepts, pack=pack, cost=cost, scratch=scratch, trail=window_trail),
    Kernel("conv2d_s8_zve_pixels", of="conv2d_s8", accepts=accepts_pixels, pack=pack, cost=cost_pixels, trail=pixels_trail),
)
