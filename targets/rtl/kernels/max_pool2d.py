"""max_pool2d.sv for a node."""
from __future__ import annotations

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import FType, Graph, Node
from tapeout.compiler.ops.max_pool2d import MaxPool2D

from ..geometry import held, window_params
from ..instance import Fold, Instance, channels_of, check_fold, is_signed, stream


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    return channels_of(graph.types(node)[0]), 1


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    op, y = node.op, graph.output_types(node)[0]
    assert isinstance(op, MaxPool2D)
    return y.size // fold.pe * op.window.kernel[0] * op.window.kernel[1]


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    """Raises Unsupported for what the module does not compute."""
    x, op = graph.types(node)[0], node.op
    assert x and isinstance(op, MaxPool2D)
    window = op.window
    if isinstance(x.q, FType):
        raise Unsupported(f"{node.name}: target rtl has no max_pool2d of floats; quantize it")
    check_fold(node.name, fold, *folds(graph, node))
    y = graph.output_types(node)[0]
    params = {
        **window_params(window, x, y, x.q.min), "CHANNELS": x.shape[3], "PE": fold.pe, "BITS": x.q.bits,
        "SIGNED": int(is_signed(x)), "LO": max(op.lo, x.q.min), "HI": min(op.hi, x.q.max),
    }  # fmt: skip
    return Instance(
        "max_pool2d", params, (stream(x, fold.pe),), stream(y, fold.pe), cycles(graph, node, fold), ("window",),
        held=held(window, x, fold.pe),
    )  # fmt: skip
