"""Cases of goodness_update: one weight, odd sizes, a float32 bias beside weights of 16 bits."""
from __future__ import annotations

from tapeout.compiler.ir import BF16, F16, F32, Array, FType
from tapeout.compiler.ops.goodness_update import GoodnessUpdate

from . import TOLERANCES, Case, Input, one_node


def case(name: str, inputs: int, outputs: int, op: GoodnessUpdate, q: FType = F32) -> Case:
    def real(w: Array, b: Array, x: Array, y: Array, d: Array) -> Array:
        return w - 2 * op.learning_rate * d[..., None] * y.reshape(len(y), -1, 1) * x.reshape(len(x), 1, -1)

    name = f"goodness_update_{'f32' if q == F32 else f'{q.code}_beside'}_{name}"
    operands = [Input((outputs, inputs), q), Input((outputs,)), Input((1, inputs), q), Input((1, outputs), q), Input((1,))]
    return Case(name, one_node(name, op, *operands, outputs=2), real, TOLERANCES.get(f"_{q.code}", 1e-5))


CASES = [
    case("one", 1, 1, GoodnessUpdate(0.1)), case("odd", 13, 7, GoodnessUpdate(0.01)), case("wide", 5, 9, GoodnessUpdate(1.0)),
    *(case("odd", 13, 7, GoodnessUpdate(0.1), q) for q in (F16, BF16)),
]
