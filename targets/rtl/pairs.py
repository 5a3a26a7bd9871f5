"""What ops on two streams share: their folds, and a table where both codes together have few bits."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Array, FType, Graph, Node, QType, Type

from .instance import Fold, Instance, Table, channels_of, check_fold, stream, word

TABLE_BITS = 8  # of two codes: 2**8 words are 16 tables of a device's logic for each bit of the result


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    """What PE and SIMD divide: the channels, and nothing."""
    return channels_of(graph.output_types(node)[0]), 1


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    return graph.output_types(node)[0].size // fold.pe


def check_pair(graph: Graph, node: Node, fold: Fold) -> tuple[Type, Type, Type]:
    """The types of both operands and of the result. Raises Unsupported for what is no pair of streams of codes alike in shape."""
    x, y = graph.types(node)[:2]
    (z,) = graph.output_types(node)
    assert x and y
    name = node.op.name()
    if isinstance(x.q, FType) or isinstance(z.q, FType):
        raise Unsupported(f"{node.name}: target rtl has no {name} of floats; quantize it")
    if any(graph.values[value].constant for value in node.inputs[:2]):
        raise Unsupported(f"{node.name}: target rtl has no {name} of a constant; fold it into the layer before or after it")
    if x.shape != z.shape or y.shape != z.shape:
        raise Unsupported(f"{node.name}: target rtl has no {name} that broadcasts {x.dims} and {y.dims}; give both one shape")
    check_fold(node.name, fold, *folds(graph, node))
    return x, y, z


def fits_table(x: Type, y: Type) -> bool:
    return x.quantized.bits + y.quantized.bits <= TABLE_BITS


def table(graph: Graph, node: Node, fold: Fold) -> Instance:
    """pair_table.sv with what the op gives for every pair of codes."""
    x, y, z = check_pair(graph, node, fold)
    a, b = (_codes(t.quantized) for t in (x, y))
    types = (Type((len(a) * len(b),), x.q), Type((len(a) * len(b),), y.q), *graph.types(node)[2:])
    pairs = np.tile(a, len(b)), np.repeat(b, len(a))
    (results,) = node.op.ref(types, *(operand[np.newaxis] for operand in pairs), *(graph.data(name) for name in node.inputs[2:]))
    bits = z.quantized.bits
    params = {"PE": fold.pe, "A_BITS": x.quantized.bits, "B_BITS": y.quantized.bits, "Y_BITS": bits}
    words = tuple(word([int(code)], bits) for code in results.reshape(-1))
    return Instance(
        "pair_table", params, (stream(x, fold.pe), stream(y, fold.pe)), stream(z, fold.pe), cycles(graph, node, fold),
        tables={"TABLE": Table(bits, words)},
    )  # fmt: skip


def _codes(q: QType) -> Array:
    """What each bit pattern stands for, from 0 up; the one that a narrow format leaves out for its least code."""
    patterns = np.arange(1 << q.bits)
    codes = np.where(patterns > q.max, patterns - (1 << q.bits), patterns) if q.min < 0 else patterns
    return np.maximum(codes, q.min).astype(q.dtype)
