"""Cases of sgd: with and without momentum and weight decay, scaled gradients, and gradients of 16 bits for float32 weights."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import BF16, F16, F32, Array, FType
from tapeout.compiler.ops.accumulate import POSITION
from tapeout.compiler.ops.sgd import Sgd

from . import Case, Constant, Input, Operand, one_node


def case(name: str, shape: tuple[int, ...], op: Sgd, velocity: bool, g: FType = F32, number: int | None = None) -> Case:
    def real(w: Array, g: Array, v: Array, *n: Array) -> Array:
        if number is not None and number + 1 < op.batch:
            return w
        return w - op.learning_rate * (g * op.scale + op.weight_decay * w + (op.momentum * v if velocity else 0))

    name = f"sgd_{'f32' if g == F32 else f'{g.code}_beside'}_{name}"
    operands: list[Operand] = [Input(shape), Input(shape, g), Input(shape) if velocity else None]
    if number is not None:
        operands.append(Constant(np.array([number], np.int32), POSITION))
    graph = one_node(name, op, *operands, outputs=1 + velocity)
    return Case(name, graph, real, 1e-5)


SCALED, BATCH = Sgd(0.05, 0.5, 0.25, 1 / 3), Sgd(0.05, 0.5, 0.25, 1 / 3, 3)
CASES = [
    case("plain", (13,), Sgd(0.1), False),
    case("decay", (3, 5), Sgd(0.01, 0.0, 0.001), False),
    case("momentum", (2, 3, 3, 5), Sgd(0.1, 0.9), True),
    case("momentum_decay", (1,), Sgd(0.05, 0.5, 0.25), True),
    case("scaled", (7,), SCALED, True),
    *(case(f"batch_{n}", (5,), BATCH, True, number=n) for n in (0, 1, 2)),
    *(case(f"batch_plain_{n}", (5,), BATCH, False, g, n) for n in (1, 2) for g in (F32, F16)),
    *(case("scaled", (7,), SCALED, True, g) for g in (F16, BF16)),
    *(case("plain", (5,), Sgd(0.1), False, g) for g in (F16, BF16)),
]
