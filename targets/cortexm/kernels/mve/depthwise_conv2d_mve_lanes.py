"""depthwise_conv2d on Helium with a channel in each lane: what it takes, and what it costs."""
from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D

from ....target import Kernel, Packed
from .dense_mve import ORDER, STEP
from .layer import Held, Layer, layer


def accepts(graph: Graph, node: Node, held: Held) -> str | None:
    found = held.refusal(graph, node) or layer(graph, node, 2)
    return found if isinstance(found, str) else None


def pack(graph: Graph, node: Node, held: Held) -> Packed:
    """The weights as they are, and tables of eight channels each, the even ones first."""
    found, types, op = layer(graph, node, 2), graph.types(node), node.op
    assert isinstance(found, Layer) and isinstance(op, DepthwiseConv2D) and types[0]
    channels, bias = found.weights.shape[2], graph.values[node.inputs[2]].data if node.inputs[2] else None
    plain = replace(found, bias=np.zeros(channels, np.int32) if bias is None else bias)  # as the kernel centres its codes
    steps = -(-channels // STEP)
    order = (STEP * np.arange(steps)[:, np.newaxis] + ORDER).ravel()
    table = plain.tables(steps * STEP)[order].reshape(-1, 4, 4).transpose(0, 2, 1)
    window = op.window(types).params(types[0].shape, op.infer(types)[0].shape)
    window |= {name: held.width * window[name] for name in ("window.in_row", "window.in_pixel", "window.out_row", "window.out_pixel")}
    fields = {"width": held.width, "multiplier": channels // types[0].shape[3], "x_zero": types[0].quantized.zero[0]}
    return Packed((("weights", found.weights), ("table", np.ascontiguousarray(table))), {**window, **fields, **found.params})


def cost(graph: Graph, node: Node) -> int:
    types = graph.types(node)
    assert types[1]
    k_h, k_w, channels = types[1].shape
    y = node.op.infer(types)[0]
    return y.size // channels * -(-channels // STEP) * (62 + k_h * (14 + 8 * k_w))


def kernel(symbol: str, of: str, held: Held) -> Kernel:
    return Kernel(symbol, of, partial(accepts, held=held), partial(pack, held=held), cost)


KERNELS = (kernel("depthwise_conv2d_s8_mve_lanes", "depthwise_conv2d_s8", Held.BYTES),)
