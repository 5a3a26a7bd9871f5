"""depthwise_conv2d on vectors: which layers it runs, and what they cost."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D

from ....target import Kernel, Packed
from ....trail import window_trail
from .layer import Layer, layer, refusal, vectors

AXIS = 2  # of the channels of weights


def accepts(graph: Graph, node: Node) -> str | None:
    x, w, *_ = graph.types(node)
    assert x and w
    return "several output channels of an input channel" if w.shape[AXIS] != x.shape[3] else refusal(graph, node, AXIS)


def pack(graph: Graph, node: Node) -> Packed:
    found, types, op = layer(graph, node, AXIS), graph.types(node), node.op
    assert isinstance(found, Layer) and isinstance(op, DepthwiseConv2D) and types[0]
    weights = np.ascontiguousarray(found.weights.T.astype(np.int16))
    window = op.window(types).params(types[0].shape, op.infer(types)[0].shape)
    return Packed((("weights", weights), *found.tables(raw=False)), {**window, "x_zero": found.x_zero, **found.params})


def cost(graph: Graph, node: Node) -> int:
    found = layer(graph, node, AXIS)
    assert isinstance(found, Layer)
    y = node.op.infer(graph.types(node))[0]
    channels, taps = found.weights.shape
    return int(y.size // channels * (vectors(channels) * (6 * taps + found.finish_cost + 8) + 40))


KERNELS = (
    Kernel("depthwise_conv2d_s8_zve", of="depthwise_conv2d_s8", accepts=accepts, pack=pack, cost=cost, widens=True, trail=window_trail),
)
