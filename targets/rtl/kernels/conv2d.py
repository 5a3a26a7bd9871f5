"""conv2d.sv for a node."""
from __future__ import annotations

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.conv2d import Conv2D

from ..instance import Fold, Instance, check_fold, stream
from ..layer import layer_params, layer_tables, read_layer, stage_params


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    """What PE and SIMD divide: the channels on either side."""
    w = graph.types(node)[1]
    assert w
    return w.shape[0], w.shape[3]


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    w = graph.types(node)[1]
    assert w
    pixels = graph.output_types(node)[0].shape[1] * graph.output_types(node)[0].shape[2]
    return pixels * (w.shape[0] // fold.pe) * (w.size // w.shape[0] // fold.simd)


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    """Raises Unsupported for what the module does not compute."""
    x, op = graph.types(node)[0], node.op
    assert x and isinstance(op, Conv2D)
    if op.groups != 1 or op.dilation != (1, 1) or x.shape[0] != 1:
        raise Unsupported(f"{node.name}: target rtl has no conv2d with groups, dilation or several images a frame")
    layer = read_layer(graph, node, lambda w: w.reshape(len(w), -1), op.requant)
    if layer.bipolar and any(op.pads):
        raise Unsupported(f"{node.name}: target rtl has no conv2d that pads bipolar codes")
    check_fold(node.name, fold, *folds(graph, node))
    params, tables = stage_params(graph, node, op.requant, layer, fold.pe)
    y, kernel = graph.output_types(node)[0], op.window(graph.types(node)).kernel
    own = {
        "HEIGHT": x.shape[1], "WIDTH": x.shape[2], "K_H": kernel[0], "K_W": kernel[1], "S_H": op.stride[0], "S_W": op.stride[1],
        "TOP": op.pads[0], "LEFT": op.pads[1], "OUT_H": y.shape[1], "OUT_W": y.shape[2], "FILL": x.quantized.zero[0],
    }  # fmt: skip
    return Instance(
        "conv2d", {**own, **layer_params(graph, node, layer, fold), **params}, (stream(x, fold.simd),), stream(y, fold.pe),
        cycles(graph, node, fold), ("window", "dense", "matvec", "requant", "round_shift", "threshold", "channel_table"),
        {**layer_tables(layer, fold), **tables},
    )  # fmt: skip
