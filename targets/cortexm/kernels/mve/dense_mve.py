"""dense on Helium: the layout of weights for eight outputs at a time, and what it costs."""
from __future__ import annotations

from functools import partial

import numpy as np

from tapeout.compiler.ir import Graph, Node, Op, Types

from ....target import Kernel, Packed
from .layer import LANES, Held, Layer, blocks, layer, padded, stream

STEP = 8  # outputs
ORDER = [0, 2, 4, 6, 1, 3, 5, 7]  # in which a step sums them


def accepts(graph: Graph, node: Node, held: Held) -> str | None:
    found = held.refusal(graph, node) or layer(graph, node, 0, held.power)
    if isinstance(found, str):
        return found
    return f"{found.weights.shape[1]} inputs do not fill vectors" if found.weights.shape[1] % held.lanes else None


def accepts_padded(graph: Graph, node: Node, held: Held) -> str | None:
    found = held.refusal(graph, node) or layer(graph, node, 0, held.power)
    if isinstance(found, str):
        return found
    return None if found.weights.shape[1] % held.lanes else "the inputs fill vectors as they are"


def pack(graph: Graph, node: Node, held: Held) -> Packed:
    found, x = layer(graph, node, 0, held.power), graph.types(node)[0]
    assert isinstance(found, Layer) and x
    outputs, inputs = found.weights.shape
    steps, count = -(-outputs // STEP), blocks(held.width * inputs)
    order = (STEP * np.arange(steps)[:, np.newaxis] + ORDER).ravel()
    weights = padded(found.weights, steps * STEP, count * held.lanes)[order]
    masks = np.full(steps, 0xFFFF)
    masks[-1] >>= 2 * (steps * STEP - outputs)
    data = stream(weights, found.tables(steps * STEP)[order], STEP, masks if outputs % STEP else None, held)
    fields = {"kind": held.value, "rows": x.size // inputs, "inputs": held.width * inputs, "outputs": outputs, "blocks": count}
    return Packed((("stream", data),), {**fields, **found.params})


def cost(graph: Graph, node: Node, held: Held) -> int:
    found, x = layer(graph, node, 0, held.power), graph.types(node)[0]
    assert isinstance(found, Layer) and x
    outputs, inputs = found.weights.shape
    count = blocks(held.width * int(inputs))
    step = (21 if held is Held.NIBBLES else 17) * count + found.finish_cost + 11
    return x.size // int(inputs) * (20 + 3 * count + -(-int(outputs) // STEP) * step)


def scratch(op: Op, types: Types, held: Held) -> int:
    """A row of inputs, padded."""
    assert types[1]
    return LANES * blocks(held.width * types[1].shape[1])


def kernels(symbol: str, of: str, held: Held) -> tuple[Kernel, Kernel]:
    """The kernel of inputs that fill vectors, and the one that pads them."""
    packing, price = partial(pack, held=held), partial(cost, held=held)
    return (
        Kernel(symbol, of, partial(accepts, held=held), packing, price),
        Kernel(f"{symbol}_padded", of, partial(accepts_padded, held=held), packing, price, scratch=partial(scratch, held=held)),
    )


KERNELS = kernels("dense_s8_mve", "dense_s8", Held.BYTES)
