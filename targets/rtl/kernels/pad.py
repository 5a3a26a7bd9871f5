"""pad.sv for a node."""
from __future__ import annotations

from math import gcd

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import FType, Graph, Node
from tapeout.compiler.ops.pad import Pad

from ..instance import Fold, Instance, check_fold, stream
from ..walk import Axis, in_beats, merged


def _axes(graph: Graph, node: Node) -> list[Axis]:
    """Those of the result, of which the tensor is a part."""
    x, op = graph.types(node)[0], node.op
    assert x and isinstance(op, Pad)
    sizes = zip(op.before, x.shape, op.after, strict=True)
    return merged(node.name, [Axis(before + size + after, before, 1, size) for before, size, after in sizes])


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    """What PE and SIMD divide: the last axis and what is around it, and nothing."""
    inner = _axes(graph, node)[-1]
    return gcd(inner.length, inner.first, inner.size), 1


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    return graph.output_types(node)[0].size // fold.pe


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    """Raises Unsupported for what the module does not compute."""
    x, y, op = graph.types(node)[0], graph.output_types(node)[0], node.op
    assert x and isinstance(op, Pad)
    if isinstance(x.q, FType):
        raise Unsupported(f"{node.name}: target rtl has no pad of floats; quantize it")
    check_fold(node.name, fold, *folds(graph, node))
    params = {"LANES": fold.pe, "BITS": x.q.bits, "VALUE": int(op.value)}
    for place, axis in enumerate(in_beats(_axes(graph, node), fold.pe)):
        params |= {f"LENGTH_{place}": axis.length, f"FIRST_{place}": axis.first, f"LAST_{place}": axis.last}
    return Instance("pad", params, (stream(x, fold.pe),), stream(y, fold.pe), cycles(graph, node, fold), ("axis",))
