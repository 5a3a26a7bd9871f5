"""requant.sv for a node."""
from __future__ import annotations

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import FType, Graph, Node
from tapeout.compiler.ops.requant import Requant

from ..instance import Fold, Instance, channels_of, check_fold, is_signed, stream
from ..layer import requant_params


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    return channels_of(graph.types(node)[0]), 1


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    return graph.output_types(node)[0].size // fold.pe


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    x, op = graph.types(node)[0], node.op
    assert x and isinstance(op, Requant)
    if isinstance(x.q, FType) or not all(graph.values[name].constant for name in node.inputs[1:]):
        raise Unsupported(f"{node.name}: target rtl has no requant of floats, nor by computed multipliers")
    check_fold(node.name, fold, *folds(graph, node))
    params, tables = requant_params(graph, node, op, 1, fold.pe)
    y = graph.output_types(node)[0]
    own = {
        "CHANNELS": channels_of(x), "PE": fold.pe, "X_BITS": x.q.bits, "X_SIGNED": int(is_signed(x)), "X_ZERO": x.q.zero[0],
        "Y_BITS": y.quantized.bits,
    }  # fmt: skip
    return Instance(
        "requant", {**own, **params}, (stream(x, fold.pe),), stream(y, fold.pe), cycles(graph, node, fold),
        ("scale", "round_shift", "channel_table"), tables,
    )  # fmt: skip
