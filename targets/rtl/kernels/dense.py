"""dense.sv for a node."""
from __future__ import annotations

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.dense import Dense

from ..instance import Fold, Instance, check_fold, stream
from ..layer import LAYER, layer_params, layer_tables, read_layer, stage_params


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    """What PE and SIMD divide."""
    w = graph.types(node)[1]
    assert w
    return w.shape[0], w.shape[1]


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    x, (outputs, inputs) = graph.types(node)[0], folds(graph, node)
    assert x
    return x.size // inputs * (outputs // fold.pe) * (inputs // fold.simd)


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    """Raises Unsupported for what the module does not compute."""
    x, op = graph.types(node)[0], node.op
    assert x and isinstance(op, Dense)
    check_fold(node.name, fold, *folds(graph, node))
    layer = read_layer(graph, node, lambda w: w, op.requant)
    params, tables = stage_params(graph, node, op.requant, layer, fold.pe)
    return Instance(
        "dense", {**layer_params(graph, node, layer, fold), **params}, (stream(x, fold.simd),),
        stream(graph.output_types(node)[0], fold.pe), cycles(graph, node, fold),
        ("matvec", *LAYER), {**layer_tables(layer, fold), **tables},
        2 * layer.weights.shape[1] // fold.simd,
    )  # fmt: skip
