"""average_pool2d.sv for a node."""
from __future__ import annotations

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import FType, Graph, Node
from tapeout.compiler.ops.average_pool2d import AveragePool2D

from ..factor import ROUNDINGS
from ..geometry import held, window_params
from ..instance import Fold, Instance, Table, channels_of, check_fold, is_signed, stream


def folds(graph: Graph, node: Node) -> tuple[int, int]:
    return channels_of(graph.types(node)[0]), 1


def cycles(graph: Graph, node: Node, fold: Fold) -> int:
    x, y, op = graph.types(node)[0], graph.output_types(node)[0], node.op
    assert x and isinstance(op, AveragePool2D)
    return max(y.size * op.window.kernel[0] * op.window.kernel[1], x.size) // fold.pe


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    """Raises Unsupported for what the module does not compute."""
    x, op = graph.types(node)[0], node.op
    assert x and isinstance(op, AveragePool2D)
    if isinstance(x.q, FType):
        raise Unsupported(f"{node.name}: target rtl has no average_pool2d of floats; quantize it")
    check_fold(node.name, fold, *folds(graph, node))
    y, window = graph.output_types(node)[0], op.window
    taps = window.kernel[0] * window.kernel[1]
    least = taps if op.count_include_pad else int(window.taps(x.shape[1], x.shape[2]).min())
    whole = window.kernel == x.shape[1:3] and not any(window.pads) and window.dilation == (1, 1)
    sum_bits = (taps * (x.q.max - x.q.min)).bit_length()
    shift = sum_bits + taps.bit_length()  # so that a sum times a count is less than two to its power
    params = {
        **window_params(window, x, y, x.q.zero[0] if op.count_include_pad else x.q.min), "CHANNELS": x.shape[3], "PE": fold.pe,
        "BITS": x.q.bits, "SIGNED": int(is_signed(x)), "WHOLE": int(whole), "PADS": int(op.count_include_pad), "LEAST_CODE": x.q.min,
        "SUM_BITS": sum_bits, "LEAST": least, "SHIFT": shift, "ROUNDING": ROUNDINGS[op.rounding], "LO": max(op.lo, x.q.min),
        "HI": min(op.hi, x.q.max),
    }  # fmt: skip
    reciprocals = Table(shift + 1, tuple(-(-(1 << shift) // count) for count in range(least, taps + 1)))
    return Instance(
        "average_pool2d", params, (stream(x, fold.pe),), stream(y, fold.pe), cycles(graph, node, fold),
        ("window", "plane_sums", "divide"), {"RECIPROCALS": reciprocals}, x.size // fold.pe if whole else held(window, x, fold.pe),
    )  # fmt: skip
