"""add.sv for a node, also for sub; pair_table.sv for codes of few bits."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.elementwise import Factor, Sum, SumScaling
from tapeout.compiler.ir import Graph, Node, QType
from tapeout.compiler.ops.sub import Sub

from ..factor import Factors, factors
from ..instance import Fold, Instance, is_signed, signed_bits, stream
from ..pairs import check_pair, cycles, fits_table, folds, table

__all__ = ["cycles", "folds", "instance"]


def instance(graph: Graph, node: Node, fold: Fold) -> Instance:
    """Raises Unsupported for what the module does not compute."""
    x, y, z = check_pair(graph, node, fold)
    if fits_table(x, y):
        return table(graph, node, fold)
    op = node.op
    assert isinstance(op, Sum) and op.scaling
    scaling = op.scaling
    made = {"A": _factors(scaling, scaling.x, scaling.left), "B": _factors(scaling, scaling.y, scaling.left)}
    out = _factors(scaling, scaling.out)
    # TensorFlow Lite's second rounding is left out only where none of the three needs it, since they run in step.
    rounding = max(f.params()["ROUNDING"] for f in (*made.values(), out))
    params = {"PE": fold.pe, "SUBTRACT": int(isinstance(op, Sub)), "TERM_BITS": _term_bits(scaling, x.quantized, y.quantized)}
    for letter, type in (("A", x), ("B", y)):
        own = {"BITS": type.quantized.bits, "SIGNED": int(is_signed(type)), "ZERO": type.quantized.zero[0], "MUL": made[letter].muls[0]}
        params |= {f"{letter}_{name}": value for name, value in (own | made[letter].params()).items() if name != "ROUNDING"}
    params |= {
        **out.params(), "MUL": out.muls[0], "ROUNDING": rounding, "ZERO": scaling.output.zero[0], "LO": scaling.lo, "HI": scaling.hi,
        "Y_BITS": z.quantized.bits,
    }  # fmt: skip
    return Instance(
        "add", params, (stream(x, fold.pe), stream(y, fold.pe)), stream(z, fold.pe), cycles(graph, node, fold),
        ("scale", "round_shift", "requant", "channel_table"),
    )  # fmt: skip


def _factors(scaling: SumScaling, factor: Factor, left: int = 0) -> Factors:
    return factors([factor[0]], [factor[1]], scaling.rounding, left)


def _term_bits(scaling: SumScaling, x: QType, y: QType) -> int:
    """Of both operands at their common scale, and of their sum or difference."""
    reach = 0
    for q, factor in ((x, scaling.x), (y, scaling.y)):
        farthest = max(q.max - q.zero[0], q.zero[0] - q.min)
        reach += int(scaling.scaled(np.array([farthest]), 0, factor)[0]) + 1
    return signed_bits(-reach, reach)
