"""Cases of accumulate: the first call of a batch and later ones, gradients of 16 bits for a float32 sum."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import BF16, F16, F32, Array, FType
from tapeout.compiler.ops.accumulate import POSITION, Accumulate

from . import Case, Constant, Input, one_node


def case(name: str, shape: tuple[int, ...], number: int, a: FType = F32, g: FType = F32) -> Case:
    def real(a: Array, g: Array, n: Array) -> Array:
        return g if number == 0 else a + g

    n = Constant(np.array([number], np.int32), POSITION)
    return Case(name := f"accumulate_{name}", one_node(name, Accumulate(), Input(shape, a), Input(shape, g), n), real, 1e-2)


CASES = [
    case("first", (13,), 0), case("second", (2, 3), 1), case("one", (1,), 7),
    case("first_f16", (5,), 0, F16, F16), case("second_f16", (7, 3), 1, F16, F16), case("second_bf16", (7,), 1, BF16, BF16),
    case("first_f16_f32", (3,), 0, F32, F16), case("second_f16_f32", (3, 5), 1, F32, F16), case("second_bf16_f32", (3, 5), 3, F32, BF16),
]
