"""transpose.sv for a node."""
from __future__ import annotations

from math import prod

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import FType, Graph, Node
from tapeout.compiler.ops.transpose import Transpose

from ..instance import Fold, Instance, check_fold, stream

AXES = 4  # of transpose.sv


def _walk(graph: Graph, node: Node) -> list[tuple[int, int]]:
    """The size of each axis of the result and the distance of its elements in the input, axes that stay neighbours as one."""
    x, op = graph.types(node)[0], node.op
    assert x and isinstance(op, Transpose)
    walk: list[tuple[int, int]] = []
    for axis in op.perm:
        size, stride = x.shape[axis], prod(x.shape[axis + 1 :])
        if walk and walk[-1][1] == size * stride:
            walk[-1] = walk[-1][0] * size, stride
        elif size > 1 or not walk:
            walk.append((size, stride))
    if len(walk) > AXES:
        raise Unsupported(f"{node.name}: target rtl transposes {AXES} axes, not {len(walk)}; take one transpose after the other")
    return [(1, 1)] * (AXES - len(walk)) + walk


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    """What PE and SIMD divide: the last axis where it stays the last, and nothing."""
    size, stride = _walk(graph, node)[-1]
    return (size if stride == 1 else 1), 1


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    return graph.output_types(node)[0].size // fold.pe


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    """Raises Unsupported for what the module does not compute."""
    x, y = graph.types(node)[0], graph.output_types(node)[0]
    assert x
    if isinstance(x.q, FType):
        raise Unsupported(f"{node.name}: target rtl has no transpose of floats; quantize it")
    check_fold(node.name, fold, *folds(graph, node))
    *outer, (size, stride) = _walk(graph, node)
    inner = (size // fold.pe, 1) if stride == 1 else (size, stride)
    params = {"WIDTH": fold.pe * x.q.bits}
    for place, (count, apart) in enumerate([*((n, s // fold.pe) for n, s in outer), inner]):
        params |= {f"SIZE_{place}": count, f"STRIDE_{place}": max(apart, 1)}
    return Instance(
        "transpose", params, (stream(x, fold.pe),), stream(y, fold.pe), cycles(graph, node, fold), ("axis",), held=2 * x.size // fold.pe
    )
