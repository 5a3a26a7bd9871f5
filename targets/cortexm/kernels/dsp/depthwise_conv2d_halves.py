"""What depthwise_conv2d_halves.h takes: weights as depthwise_conv2d_fours.h does, for activations of 16 bits."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node

from ....target import Kernel, Packed
from ....trail import window_trail
from ...packed_layer import not_plain
from . import depthwise_conv2d_fours as fours


def accepts(graph: Graph, node: Node) -> str | None:
    x = graph.types(node)[0]
    assert x
    if reason := not_plain(graph, node, "s16", 8):
        return reason
    return "activations with a zero point" if x.quantized.zero[0] else fours.accepts(graph, node)


def pack(graph: Graph, node: Node) -> Packed:
    found = fours.pack(graph, node)
    return Packed(found.constants, {name: value for name, value in found.params.items() if name not in ("x_zero", "doubled")})


KERNELS = (
    Kernel(
        "depthwise_conv2d_packed_s16_halves", of="depthwise_conv2d_packed_s16", accepts=accepts, pack=pack, cost=fours.cost,
        trail=window_trail,
    ),
)
