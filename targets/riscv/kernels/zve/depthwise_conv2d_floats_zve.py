"""depthwise_conv2d of floats on vectors: which layers it runs, and what they cost."""
from __future__ import annotations

from functools import partial

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D

from ....target import Kernel, Packed
from ....trail import window_trail
from .floats import CONTRACTS, Contract, constants, end_fields, refusal


def accepts(graph: Graph, node: Node, contract: Contract) -> str | None:
    x, w, *_ = graph.types(node)
    assert x and w
    return "several output channels of an input channel" if w.shape[2] != x.shape[3] else refusal(graph, node, contract)


def pack(graph: Graph, node: Node, contract: Contract) -> Packed:
    op, types = node.op, graph.types(node)
    assert isinstance(op, DepthwiseConv2D) and types[0]
    window = op.window(types).params(types[0].shape, op.infer(types)[0].shape)
    return Packed(constants(graph, node, graph.data(node.inputs[1]), contract), {**window, **end_fields(node)})


def cost(graph: Graph, node: Node, contract: Contract) -> int:
    w = graph.types(node)[1]
    assert w
    k_h, k_w, channels = w.shape
    pixels = node.op.infer(graph.types(node))[0].size // channels
    return pixels * (40 + contract.vectors(channels) * ((3 + contract.pixel) * k_h * k_w + 20))


KERNELS = tuple(
    Kernel(
        f"depthwise_conv2d_{c.name}_zve", of=f"depthwise_conv2d_{c.name}", accepts=partial(accepts, contract=c),
        pack=partial(pack, contract=c), cost=partial(cost, contract=c), trail=window_trail,
    )
    for c in CONTRACTS
)
