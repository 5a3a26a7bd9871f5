"""Cases of outer_update: one weight, odd sizes, with and without the second activities, a float32 bias beside weights of 16 bits."""
from __future__ import annotations

from tapeout.compiler.ir import BF16, F16, F32, Array, FType
from tapeout.compiler.ops.outer_update import OuterUpdate

from . import TOLERANCES, Case, Input, one_node


def case(name: str, inputs: int, outputs: int, op: OuterUpdate, difference: bool = True, q: FType = F32) -> Case:
    def real(w: Array, b: Array, x: Array, y: Array, z: Array) -> Array:
        error = (y - z if difference else y).reshape(len(y), -1, 1)
        return w - op.learning_rate * error * x.reshape(len(x), 1, -1)

    name = f"outer_update_{'f32' if q == F32 else f'{q.code}_beside'}_{name}"
    y = Input((1, outputs), q)
    operands = [Input((outputs, inputs), q), Input((outputs,)), Input((1, inputs), q), y, y if difference else None]
    return Case(name, one_node(name, op, *operands, outputs=2), real, TOLERANCES.get(f"_{q.code}", 1e-5))


CASES = [
    case("one", 1, 1, OuterUpdate(0.1)), case("odd", 13, 7, OuterUpdate(0.01)),
    case("error", 5, 9, OuterUpdate(1.0), difference=False), case("error_one", 1, 1, OuterUpdate(0.3), difference=False),
    *(case("odd", 13, 7, OuterUpdate(0.1), q=q) for q in (F16, BF16)), case("error", 5, 9, OuterUpdate(0.3), difference=False, q=F16),
]
