"""dense on vectors: which layers it runs, and what they cost."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Graph, Node

from ....target import Kernel, Packed
from .layer import TOGETHER, Layer, layer, refusal, vectors


def pack(graph: Graph, node: Node) -> Packed:
    found, x = layer(graph, node, 0), graph.types(node)[0]
    assert isinstance(found, Layer) and x
    outputs, inputs = map(int, found.weights.shape)
    weights = np.ascontiguousarray(found.weights.T.astype(np.int8))
    fields = {"rows": x.size // inputs, "inputs": inputs, "outputs": outputs, **found.params}
    return Packed((("weights", weights), *found.tables(raw=True)), fields)


def cost(graph: Graph, node: Node) -> int:
    found, x = layer(graph, node, 0), graph.types(node)[0]
    assert isinstance(found, Layer) and x
    outputs, inputs = map(int, found.weights.shape)
    groups, rest = divmod(x.size // inputs, TOGETHER)
    three, one = 10 * inputs + TOGETHER * found.finish_cost, 6 * inputs + found.finish_cost
    return int(vectors(outputs) * (groups * three + rest * one))


KERNELS = (Kernel("dense_s8_zve", of="dense_s8", accepts=refusal, pack=pack, cost=cost),)
