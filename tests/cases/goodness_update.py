"""Cases of goodness_update: one weight, odd sizes."""
from __future__ import annotations

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.goodness_update import GoodnessUpdate

from . import Case, Input, one_node


def case(name: str, inputs: int, outputs: int, op: GoodnessUpdate) -> Case:
    def real(w: Array, b: Array, x: Array, y: Array, d: Array) -> Array:
        return w - 2 * op.learning_rate * d[..., None] * y.reshape(len(y), -1, 1) * x.reshape(len(x), 1, -1)

    name = f"goodness_update_f32_{name}"
    shapes = ((outputs, inputs), (outputs,), (1, inputs), (1, outputs), (1,))
    return Case(name, one_node(name, op, *map(Input, shapes), outputs=2), real, 1e-5)


CASES = [case("one", 1, 1, GoodnessUpdate(0.1)), case("odd", 13, 7, GoodnessUpdate(0.01)), case("wide", 5, 9, GoodnessUpdate(1.0))]
