"""dense on Helium: the layout of weights for eight outputs at a time, and what it costs."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Graph, Node, Op, Types

from ....target import Kernel, Packed
from .layer import LANES, Layer, blocks, layer, padded, stream

STEP = 8  # outputs
ORDER = [0, 2, 4, 6, 1, 3, 5, 7]  # in which a step sums them


def accepts(graph: Graph, node: Node) -> str | None:
    found = layer(graph, node, 0)
    if isinstance(found, str):
        return found
    return f"{found.weights.shape[1]} inputs do not fill vectors" if found.weights.shape[1] % LANES else None


def accepts_padded(graph: Graph, node: Node) -> str | None:
    found = layer(graph, node, 0)
    if isinstance(found, str):
        return found
    return None if found.weights.shape[1] % LANES else "the inputs fill vectors as they are"


def pack(graph: Graph, node: Node) -> Packed:
    found, x = layer(graph, node, 0), graph.types(node)[0]
    assert isinstance(found, Layer) and x
    outputs, inputs = found.weights.shape
    steps, count = -(-outputs // STEP), blocks(inputs)
    order = (STEP * np.arange(steps)[:, np.newaxis] + ORDER).ravel()
    weights = padded(found.weights, steps * STEP, count * LANES)[order]
    masks = np.full(steps, 0xFFFF)
    masks[-1] >>= 2 * (steps * STEP - outputs)
    data = stream(weights, found.tables(steps * STEP)[order], STEP, masks if outputs % STEP else None)
    fields = {"rows": x.size // inputs, "inputs": inputs, "outputs": outputs, "blocks": count}
    return Packed((("stream", data),), {**fields, **found.params})


def cost(graph: Graph, node: Node) -> int:
    found, x = layer(graph, node, 0), graph.types(node)[0]
    assert isinstance(found, Layer) and x
    outputs, inputs = found.weights.shape
    step = 17 * blocks(inputs) + found.finish_cost + 11
    return x.size // int(inputs) * (20 + 3 * blocks(inputs) + -(-int(outputs) // STEP) * step)


def scratch(op: Op, types: Types) -> int:
    """A row of inputs, padded."""
    assert types[1]
    return LANES * blocks(types[1].shape[1])


KERNELS = (
    Kernel("dense_s8_mve", of="dense_s8", accepts=accepts, pack=pack, cost=cost),
    Kernel("dense_s8_mve_padded", of="dense_s8", accepts=accepts_padded, pack=pack, cost=cost, scratch=scratch),
)
