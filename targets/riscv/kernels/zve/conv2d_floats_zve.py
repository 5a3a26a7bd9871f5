"""conv2d of floats on vectors: which layers it runs, and what they cost."""
from __future__ import annotations

from functools import partial

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.conv2d import Conv2D

from ....target import Kernel, Packed
from ....trail import window_trail
from .floats import CONTRACTS, Contract, constants, end_fields, refusal


def accepts(graph: Graph, node: Node, contract: Contract) -> str | None:
    assert isinstance(node.op, Conv2D)
    if node.op.groups > 1 or node.op.dilation[1] > 1:
        return "groups" if node.op.groups > 1 else "taps of a row that do not lie side by side"
    return refusal(graph, node, contract)


def pack(graph: Graph, node: Node, contract: Contract) -> Packed:
    op, types = node.op, graph.types(node)
    assert isinstance(op, Conv2D) and types[0]
    w = graph.data(node.inputs[1])
    window = op.window(types).params(types[0].shape, op.infer(types)[0].shape)
    return Packed(constants(graph, node, w.reshape(len(w), -1).T, contract), {**window, **end_fields(node)})


def cost(graph: Graph, node: Node, contract: Contract) -> int:
    w = graph.types(node)[1]
    assert w
    y = node.op.infer(graph.types(node))[0]
    groups = y.size // y.shape[3] // y.shape[2] * (-(-y.shape[2] // contract.together) + 1)
    return groups * (80 + contract.vectors(w.shape[0]) * (contract.step(contract.together) * w.size // w.shape[0] + 8 * w.shape[1] + 40))


KERNELS = tuple(
    Kernel(
        f"conv2d_{c.name}_zve", of=f"conv2d_{c.name}", accepts=partial(accepts, contract=c), pack=partial(pack, contract=c),
        cost=partial(cost, contract=c), trail=window_trail,
    )
    for c in CONTRACTS
)
