"""slice.sv for a node."""
from __future__ import annotations

from math import gcd

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import FType, Graph, Node
from tapeout.compiler.ops.slice import Slice

from ..instance import Fold, Instance, check_fold, stream
from ..walk import Axis, in_beats, merged


def _axes(graph: Graph, node: Node) -> list[Axis]:
    x, op = graph.types(node)[0], node.op
    assert x and isinstance(op, Slice)
    parts = zip(x.shape, op.begin, op.stride, op.size, strict=True)
    return merged(node.name, [Axis(length, begin, stride if size > 1 else 1, size) for length, begin, stride, size in parts])


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    """What PE and SIMD divide: the last axis and its part, and nothing."""
    inner = _axes(graph, node)[-1]
    return (gcd(inner.length, inner.first, inner.size) if inner.stride == 1 else 1), 1


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    x = graph.types(node)[0]
    assert x
    return x.size // fold.pe


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    """Raises Unsupported for what the module does not compute."""
    x, y = graph.types(node)[0], graph.output_types(node)[0]
    assert x
    axes = _axes(graph, node)
    if isinstance(x.q, FType) or any(axis.stride < 0 for axis in axes):
        raise Unsupported(f"{node.name}: target rtl has no slice of floats, nor backwards; quantize it, turn weights around")
    check_fold(node.name, fold, *folds(graph, node))
    params = {"WIDTH": fold.pe * x.q.bits}
    for place, axis in enumerate(in_beats(axes, fold.pe)):
        own = {"LENGTH": axis.length, "FIRST": axis.first, "STRIDE": axis.stride, "LAST": axis.last}
        params |= {f"{name}_{place}": value for name, value in own.items()}
    return Instance("slice", params, (stream(x, fold.pe),), stream(y, fold.pe), cycles(graph, node, fold), ("axis",))
