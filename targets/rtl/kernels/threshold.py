"""threshold.sv for a node."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import FType, Graph, Node
from tapeout.compiler.ops.threshold import Threshold

from ..instance import Fold, Instance, channels_of, check_fold, is_signed, stream
from ..layer import threshold_params


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    return channels_of(graph.types(node)[0]), 1


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    return graph.output_types(node)[0].size // fold.pe


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    x, op = graph.types(node)[0], node.op
    assert x and isinstance(op, Threshold)
    if isinstance(x.q, FType) or not all(graph.values[name].constant for name in node.inputs[1:]):
        raise Unsupported(f"{node.name}: target rtl has no threshold of floats, nor by computed thresholds")
    t, descending = (graph.data(name).astype(np.int64) for name in node.inputs[1:3])
    if descending.any():
        raise Unsupported(f"{node.name}: target rtl takes falling thresholds behind a layer alone, whose weights it negates")
    check_fold(node.name, fold, *folds(graph, node))
    channels = channels_of(x) if len(t) > 1 else fold.pe  # those of all channels are one word of the table
    thresholds = np.broadcast_to(np.clip(t, x.q.min, x.q.max + 1), (channels, t.shape[1]))
    bits = x.q.bits + 1 + (not is_signed(x))  # so that a threshold beyond all codes is one too
    params, tables = threshold_params(op, thresholds, bits, fold.pe)
    y = graph.output_types(node)[0]
    own = {
        "CHANNELS": channels, "PE": fold.pe, "X_BITS": x.q.bits, "X_SIGNED": int(is_signed(x)), "T_BITS": bits,
        "Y_BITS": y.quantized.bits,
    }  # fmt: skip
    return Instance(
        "threshold", {**own, **params}, (stream(x, fold.pe),), stream(y, fold.pe), cycles(graph, node, fold), ("channel_table",), tables
    )
