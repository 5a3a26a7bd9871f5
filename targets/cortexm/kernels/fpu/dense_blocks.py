"""dense of floats on a scalar float unit: the layout of weights, and what it costs."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node

from ....target import Kernel, Packed
from .float_blocks import BLOCK, block_cost, by_blocks, float_fields


def accepts(graph: Graph, node: Node) -> str | None:
    return None if all(graph.values[i].constant for i in node.inputs[1:] if i) else "weights that are no constants"


def pack(graph: Graph, node: Node) -> Packed:
    """Weights in groups of four outputs."""
    x, w, *_ = graph.types(node)
    assert x and w
    fields = {"rows": x.size // x.shape[-1], "inputs": w.shape[1], "outputs": w.shape[0]}
    return Packed(by_blocks(graph, node), {**fields, **float_fields(node.op)})


def cost(graph: Graph, node: Node) -> int:
    x, w, *_ = graph.types(node)
    assert x and w
    blocks, rest = divmod(x.size // x.shape[-1], BLOCK)
    return block_cost(blocks, rest, w.shape[0], w.shape[1])


KERNELS = tuple(
    Kernel(f"dense_{form}_blocks", of=f"dense_{form}", accepts=accepts, pack=pack, cost=cost) for form in ("f32", "f16", "bf16")
)
