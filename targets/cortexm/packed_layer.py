"""When a layer that the portable kernels of packed weights run is simple enough for faster ones."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.requant import Requant

NIBBLE = 4


def not_plain(graph: Graph, node: Node, x: str, w_bits: int) -> str | None:
    """Why a layer is not one of codes held as `x` by signed constant weights of `w_bits` bits that ends in codes held as `x` by one
    multiplier a channel; None when it is."""
    types, requant = graph.types(node), getattr(node.op, "requant", None)
    assert types[0] and types[1]
    w = types[1].quantized
    if not isinstance(requant, Requant) or requant.blocks > 1 or requant.output.storage != x:
        return f"an output other than {x} codes by one multiplier a channel"
    if len(node.inputs) > 5 and node.inputs[5]:
        return "a zero point of its own"
    if any(name and not graph.values[name].constant for name in node.inputs[1:]):
        return "weights that are computed"
    if types[0].q.storage != x or types[0].quantized.bipolar or w.bipolar:
        return f"activations that are not held as {x}, or bipolar codes"
    if w.bits != w_bits or not w.signed or any(w.zero) or w.block:
        return f"weights other than signed ones of {w_bits} bits without zero point or blocks"
    return None
