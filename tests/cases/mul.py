"""Cases of mul: equal shapes and every way to broadcast."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.mul import Mul
from tapeout.compiler.ops.requant import Requant

from . import Case, Constant, Input, Operand, one_node, quantized, random_codes, random_floats, rng_for, scaling
from .add import BROADCASTS, expand, floats

X, Y, OUT = quantized(0.05, 3), quantized(0.02, -128), quantized(0.12, -5)


def codes(name: str, x: Operand, y: Operand, rounding: Rounding = Rounding.TFLITE, lo: int = -128, hi: int = 127) -> Case:
    op = Mul(Requant(OUT, rounding, lo, hi))

    def real(a: Array, b: Array, *_: Array) -> Array:
        a, b = expand(a, b, x, y)
        product: Array = np.clip(a * b, (lo - OUT.zero[0]) * OUT.scale[0], (hi - OUT.zero[0]) * OUT.scale[0])
        return product

    return Case(name, one_node(name, op, x, y, *scaling([X.scale[0] * Y.scale[0] / OUT.scale[0]])), real)


RNG = rng_for("mul")

CASES = [
    *(codes(f"mul_s8_{kind}", Input(x, X), Input(y, Y)) for kind, (x, y) in BROADCASTS.items()),
    *(codes(f"mul_s8_{r.value}", Input((50,), X), Input((50,), Y), r) for r in Rounding),
    codes("mul_s8_constant", Input((1, 3, 3, 4), X), Constant(random_codes(RNG, (4,)), Y), Rounding.HALF_UP, -5, 60),
    *(floats(f"mul_f32_{kind}", Input(x), Input(y), Mul(), np.multiply) for kind, (x, y) in BROADCASTS.items()),
    floats("mul_f32_constant", Input((1, 3, 3, 4)), Constant(random_floats(RNG, (4,))), Mul(clip=Clip(0.0, 2.0)),
           lambda a, b: np.clip(a * b, 0, 2)),
]
