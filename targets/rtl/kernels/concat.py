"""concat.sv for a node."""
from __future__ import annotations

from fractions import Fraction
from math import gcd, prod

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import FType, Graph, Node, Type
from tapeout.compiler.ops.concat import Concat

from ..instance import Fold, Instance, Table, check_fold, stream


def _rows(graph: Graph, node: Node) -> tuple[list[Type], list[int]]:
    """The inputs, and how many elements of each are one row of the output."""
    types, op = [t for t in graph.types(node) if t], node.op
    assert isinstance(op, Concat)
    return types, [prod(t.shape[op.axis :]) for t in types]


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    """What PE and SIMD divide: the rows of all inputs, and nothing."""
    return gcd(*_rows(graph, node)[1]), 1


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    return graph.output_types(node)[0].size // fold.pe


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    """Raises Unsupported for what the module does not compute."""
    types, rows = _rows(graph, node)
    y = graph.output_types(node)[0]
    if isinstance(y.q, FType) or any(graph.values[name].constant for name in node.inputs):
        raise Unsupported(f"{node.name}: target rtl has no concat of floats or of a constant; quantize the one, pad for the other")
    check_fold(node.name, fold, *folds(graph, node))
    beats = [row // fold.pe for row in rows]
    bits = max(beats).bit_length()
    return Instance(
        "concat", {"COUNT": len(types), "WIDTH": fold.pe * y.q.bits, "BEAT_BITS": bits}, tuple(stream(t, fold.pe) for t in types),
        stream(y, fold.pe), cycles(graph, node, fold), tables={"BEATS": Table(bits, tuple(beats))},
        skew=Fraction(rows[0], types[0].size) if len(types) > 1 else Fraction(0),
    )  # fmt: skip
