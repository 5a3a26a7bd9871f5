"""lut.sv for a node."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Graph, Node

from ..instance import Fold, Instance, Table, channels_of, check_fold, stream, word


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    return channels_of(graph.types(node)[0]), 1


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    return graph.output_types(node)[0].size // fold.pe


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    """Raises Unsupported for what the module does not compute."""
    x, y = graph.types(node)[0], graph.output_types(node)[0]
    assert x
    if not graph.values[node.inputs[1]].constant:
        raise Unsupported(f"{node.name}: target rtl has no lut whose table is computed")
    check_fold(node.name, fold, *folds(graph, node))
    bits = y.quantized.bits
    codes = np.roll(graph.data(node.inputs[1]), x.quantized.min)  # from the least code up; and now from the bits of 0
    table = Table(bits, tuple(word([int(code)], bits) for code in codes))
    params = {"PE": fold.pe, "X_BITS": x.quantized.bits, "Y_BITS": bits}
    return Instance("lut", params, (stream(x, fold.pe),), stream(y, fold.pe), cycles(graph, node, fold), tables={"TABLE": table})
