"""argmax.sv for a node."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node

from ..instance import Fold, Instance, channels_of, check_fold, is_signed, stream


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    return 1, 1


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    x = graph.types(node)[0]
    assert x
    return x.size


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    x, (y,) = graph.types(node)[0], graph.output_types(node)
    assert x
    check_fold(node.name, fold, *folds(graph, node))
    params = {"CHANNELS": channels_of(x), "X_BITS": x.quantized.bits, "X_SIGNED": int(is_signed(x)), "Y_BITS": y.quantized.bits}
    return Instance("argmax", params, (stream(x, 1),), stream(y, 1), cycles(graph, node, fold))
