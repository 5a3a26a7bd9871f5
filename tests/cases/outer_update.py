"""Cases of outer_update: one weight, odd sizes, with and without the second activities."""
from __future__ import annotations

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.outer_update import OuterUpdate

from . import Case, Input, one_node


def case(name: str, inputs: int, outputs: int, op: OuterUpdate, difference: bool = True) -> Case:
    def real(w: Array, b: Array, x: Array, y: Array, z: Array) -> Array:
        error = (y - z if difference else y).reshape(len(y), -1, 1)
        return w - op.learning_rate * error * x.reshape(len(x), 1, -1)

    name = f"outer_update_f32_{name}"
    operands = [*map(Input, ((outputs, inputs), (outputs,), (1, inputs), (1, outputs))), Input((1, outputs)) if difference else None]
    return Case(name, one_node(name, op, *operands, outputs=2), real, 1e-5)


CASES = [
    case("one", 1, 1, OuterUpdate(0.1)), case("odd", 13, 7, OuterUpdate(0.01)),
    case("error", 5, 9, OuterUpdate(1.0), difference=False), case("error_one", 1, 1, OuterUpdate(0.3), difference=False),
]
