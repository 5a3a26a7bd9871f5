"""depthwise_conv2d.sv for a node."""
from __future__ import annotations

from dataclasses import replace

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D

from ..geometry import held, window_params
from ..instance import Fold, Instance, channels_of, check_fold, is_signed, stream
from ..layer import LAYER, Layer, layer_tables, read_layer, stage_params


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    """What PE and SIMD divide: the input's channels, and nothing."""
    return channels_of(graph.types(node)[0]), 1


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    x, w = graph.types(node)[:2]
    assert x and w
    images, height, width = graph.output_types(node)[0].shape[:3]
    return images * height * width * (x.shape[3] // fold.pe) * w.shape[0] * w.shape[1]


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    """Raises Unsupported for what the module does not compute."""
    x, op = graph.types(node)[0], node.op
    assert x and isinstance(op, DepthwiseConv2D)
    layer = read_layer(graph, node, lambda w: w.reshape(-1, w.shape[2]).T, op.requant)
    window = op.window(graph.types(node))
    if layer.bipolar and any(window.pads):
        raise Unsupported(f"{node.name}: target rtl has no depthwise_conv2d that pads bipolar codes; pad before they are made")
    check_fold(node.name, fold, *folds(graph, node))
    y = graph.output_types(node)[0]
    multiplier = y.shape[3] // x.shape[3]
    lanes = Fold(fold.pe * multiplier)
    params, tables = stage_params(graph, node, op.requant, layer, lanes.pe)
    layer = _whole(layer)
    own = {
        "CHANNELS": x.shape[3], "PE": fold.pe, "MULTIPLIER": multiplier, "X_BITS": x.quantized.bits, "X_SIGNED": int(is_signed(x)),
        "W_BITS": layer.weight_bits, "ACC_BITS": layer.sum_bits, "Y_BITS": y.quantized.bits,
    }  # fmt: skip
    return Instance(
        "depthwise_conv2d", {**window_params(window, x, y, x.quantized.zero[0]), **own, **params}, (stream(x, fold.pe),),
        stream(y, lanes.pe), cycles(graph, node, fold), ("window", "depthwise_sums", *LAYER),
        {**layer_tables(layer, lanes), **tables}, held(window, x, fold.pe),
    )  # fmt: skip


def _whole(layer: Layer) -> Layer:
    """The same sums of codes 0 and 1 where codes are bipolar, which stand for -1 and 1: `sum(w * (2c - 1))`."""
    if not layer.bipolar:
        return layer
    return replace(layer, weights=2 * layer.weights, biases=layer.biases - layer.weights.sum(axis=1), low=0, high=1, bipolar=False)
