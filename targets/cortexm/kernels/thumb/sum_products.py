"""What add_products.h and sub_products.h take: a linear form whose products are whole."""
from __future__ import annotations

from functools import partial

from tapeout.compiler.ir import Graph, Node

from ....sum_linear import accepts, pack
from ....target import Kernel

_COST, _CALL_COST = 22, 30  # instructions of an element, counted in what gcc 12 makes


def _cost(graph: Graph, node: Node) -> int:
    x = graph.types(node)[0]
    assert x
    return _COST * x.size + _CALL_COST


def kernel(op: str) -> Kernel:
    return Kernel(f"{op}_s8_products", of=f"{op}_s8", accepts=partial(accepts, fraction=0), pack=partial(pack, fraction=0), cost=_cost)
