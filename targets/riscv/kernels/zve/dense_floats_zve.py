"""dense of floats on vectors: which layers it runs, and what they cost."""
from __future__ import annotations

from functools import partial

from tapeout.compiler.ir import Graph, Node

from ....target import Kernel, Packed
from .floats import CONTRACTS, Contract, constants, end_fields, refusal


def pack(graph: Graph, node: Node, contract: Contract) -> Packed:
    x, w = graph.types(node)[0], graph.data(node.inputs[1])
    assert x
    fields = {"rows": x.size // w.shape[1], "inputs": w.shape[1], "outputs": w.shape[0]}
    return Packed(constants(graph, node, w.T, contract), {**fields, **end_fields(node)})


def cost(graph: Graph, node: Node, contract: Contract) -> int:
    x, w, *_ = graph.types(node)
    assert x and w
    return x.size // w.shape[1] * contract.vectors(w.shape[0]) * (contract.step(1) * w.shape[1] + 20)


KERNELS = tuple(
    Kernel(
        f"dense_{c.name}_zve", of=f"dense_{c.name}", accepts=partial(refusal, contract=c), pack=partial(pack, contract=c),
        cost=partial(cost, contract=c),
    )
    for c in CONTRACTS
)
