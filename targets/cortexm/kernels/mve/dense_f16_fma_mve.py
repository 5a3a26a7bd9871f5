"""dense of f16 with sums in f16 on Helium: the layout of weights, and what it costs."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Graph, Node

from ....target import Kernel, Packed
from .helium_f16 import LANES, bias, by_vectors, end_fields, refusal

WIDTH = 4 * LANES  # outputs
MAX_INPUTS = 1 << 17  # half of them are a constant of 16 bits in the assembly


def accepts(graph: Graph, node: Node) -> str | None:
    w = graph.types(node)[1]
    assert w
    return "too many inputs" if w.shape[1] >= MAX_INPUTS else refusal(graph, node)


def pack(graph: Graph, node: Node) -> Packed:
    """Weights in groups of 32 outputs, those that are left in groups of 8."""
    x, w = graph.types(node)[0], graph.data(node.inputs[1])
    assert x
    whole = len(w) // WIDTH * WIDTH
    groups = [by_vectors(part, width) for part, width in ((w[:whole], WIDTH), (w[whole:], LANES)) if len(part)]
    constants = (("weights", np.concatenate(groups)), ("bias", bias(graph, node, len(w))))
    return Packed(constants, {"rows": x.size // x.shape[-1], "inputs": w.shape[1], "outputs": len(w), **end_fields(node)})


def cost(graph: Graph, node: Node) -> int:
    x, w, *_ = graph.types(node)
    assert x and w
    outputs, inputs = w.shape
    return x.size // inputs * (outputs // WIDTH * (10 * inputs + 80) + -(-(outputs % WIDTH) // LANES) * (4 * inputs + 40))


KERNELS = (Kernel("dense_f16_fma_mve", of="dense_f16_fma", accepts=accepts, pack=pack, cost=cost),)
