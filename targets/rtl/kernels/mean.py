"""mean.sv for a node."""
from __future__ import annotations

from math import prod

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import FType, Graph, Node
from tapeout.compiler.ops.mean import Mean

from ..instance import Fold, Instance, check_fold, is_signed, signed_bits, stream
from ..layer import requant_params


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    """What PE and SIMD divide: the elements behind the axes that go, and nothing."""
    x, op = graph.types(node)[0], node.op
    assert x and isinstance(op, Mean)
    return prod(x.shape[op.axes[-1] + 1 :]), 1


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    x = graph.types(node)[0]
    assert x
    return x.size // fold.pe


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    """Raises Unsupported for what the module does not compute."""
    x, op = graph.types(node)[0], node.op
    assert x and isinstance(op, Mean)
    if isinstance(x.q, FType) or not op.requant:
        raise Unsupported(f"{node.name}: target rtl has no mean of floats; quantize it")
    if any(x.shape[axis] > 1 for axis in range(op.axes[0], op.axes[-1]) if axis not in op.axes):
        raise Unsupported(f"{node.name}: target rtl has no mean over axes with another between them; take one mean after the other")
    check_fold(node.name, fold, *folds(graph, node))
    y, count, zero = graph.output_types(node)[0], op.count(x), x.q.zero[0]
    params, tables = requant_params(graph, node, op.requant, 1, fold.pe)
    own = {
        "TAPS": count, "PARTS": folds(graph, node)[0] // fold.pe, "PE": fold.pe, "X_BITS": x.q.bits, "X_SIGNED": int(is_signed(x)),
        "X_ZERO": zero, "SUM_BITS": signed_bits(count * (x.q.min - zero), count * (x.q.max - zero)), "Y_BITS": y.quantized.bits,
    }  # fmt: skip
    return Instance(
        "mean", {**own, **params}, (stream(x, fold.pe),), stream(y, fold.pe), cycles(graph, node, fold),
        ("plane_sums", "requant", "scale", "round_shift", "channel_table"), tables, x.size // fold.pe,
    )  # fmt: skip
