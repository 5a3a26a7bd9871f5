"""Cases of sgd: with and without momentum and weight decay."""
from __future__ import annotations

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.sgd import Sgd

from . import Case, Input, one_node


def case(name: str, shape: tuple[int, ...], op: Sgd, velocity: bool) -> Case:
    def real(w: Array, g: Array, v: Array) -> Array:
        return w - op.learning_rate * (g + op.weight_decay * w + (op.momentum * v if velocity else 0))

    name = f"sgd_f32_{name}"
    graph = one_node(name, op, Input(shape), Input(shape), Input(shape) if velocity else None, outputs=1 + velocity)
    return Case(name, graph, real, 1e-5)


CASES = [
    case("plain", (13,), Sgd(0.1), False),
    case("decay", (3, 5), Sgd(0.01, 0.0, 0.001), False),
    case("momentum", (2, 3, 3, 5), Sgd(0.1, 0.9), True),
    case("momentum_decay", (1,), Sgd(0.05, 0.5, 0.25), True),
]
