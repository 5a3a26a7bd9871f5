"""mul.sv for a node; pair_table.sv for codes of few bits."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.mul import Mul

from ..instance import Fold, Instance, is_signed, stream
from ..layer import LAYER, requant_params
from ..pairs import check_pair, cycles, fits_table, folds, table

__all__ = ["cycles", "folds", "instance"]


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    """Raises Unsupported for what the module does not compute."""
    x, y, z = check_pair(graph, node, fold)
    op = node.op
    assert isinstance(op, Mul)
    if op.requant and fits_table(x, y):
        return table(graph, node, fold)
    params = {"PE": fold.pe, "Y_BITS": z.quantized.bits}
    for letter, type in (("A", x), ("B", y)):
        q = type.quantized
        params |= {f"{letter}_BITS": q.bits, f"{letter}_SIGNED": int(is_signed(type)), f"{letter}_ZERO": q.zero[0]}
    if op.requant:
        params |= {"STAGE": 1, **requant_params(graph, node, op.requant, 2, fold.pe)[0]}
    return Instance("mul", params, (stream(x, fold.pe), stream(y, fold.pe)), stream(z, fold.pe), cycles(graph, node, fold), LAYER)
