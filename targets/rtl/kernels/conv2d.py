"""conv2d.sv for a node."""
from __future__ import annotations

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.conv2d import Conv2D

from ..geometry import held, window_params
from ..instance import Fold, Instance, check_fold, stream
from ..layer import LAYER, layer_params, layer_tables, read_layer, stage_params


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    """What PE and SIMD divide: the channels on either side."""
    w = graph.types(node)[1]
    assert w
    return w.shape[0], w.shape[3]


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    w = graph.types(node)[1]
    assert w
    images, height, width = graph.output_types(node)[0].shape[:3]
    return images * height * width * (w.shape[0] // fold.pe) * (w.size // w.shape[0] // fold.simd)


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    """Raises Unsupported for what the module does not compute."""
    x, op = graph.types(node)[0], node.op
    assert x and isinstance(op, Conv2D)
    if op.groups != 1:
        raise Unsupported(f"{node.name}: target rtl has no conv2d of {op.groups} groups; give each one a convolution of its own")
    layer = read_layer(graph, node, lambda w: w.reshape(len(w), -1), op.requant)
    window = op.window(graph.types(node))
    if layer.bipolar and any(window.pads):
        raise Unsupported(f"{node.name}: target rtl has no conv2d that pads bipolar codes; pad before they are made")
    check_fold(node.name, fold, *folds(graph, node))
    params, tables = stage_params(graph, node, op.requant, layer, fold.pe)
    y = graph.output_types(node)[0]
    own = window_params(window, x, y, x.quantized.zero[0])
    return Instance(
        "conv2d", {**own, **layer_params(graph, node, layer, fold), **params}, (stream(x, fold.simd),), stream(y, fold.pe),
        cycles(graph, node, fold), ("window", "dense", "matvec", *LAYER), {**layer_tables(layer, fold), **tables},
        held(window, x, fold.simd),
    )  # fmt: skip
