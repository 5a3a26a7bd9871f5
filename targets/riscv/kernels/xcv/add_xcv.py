"""What add_xcv.h takes: a linear form whose products are whole."""
from __future__ import annotations

from functools import partial

from tapeout.compiler.ir import Graph, Node

from ....sum_linear import accepts, pack
from ....target import Kernel

_COST, _CALL_COST = 13, 30  # cycles of an element, of the RTL


def cost(graph: Graph, node: Node) -> int:
    x = graph.types(node)[0]
    assert x
    return _COST * x.size + _CALL_COST


KERNELS = (Kernel("add_s8_xcv", of="add_s8", accepts=partial(accepts, fraction=0), pack=partial(pack, fraction=0), cost=cost),)
