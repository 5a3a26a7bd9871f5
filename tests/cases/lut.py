"""Cases of lut: all 256 codes, through tables in which no two neighbours are alike."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, QType
from tapeout.compiler.ops.lut import Lut
from tapeout.compiler.ops.sigmoid import Sigmoid
from tapeout.compiler.tables import from_function

from . import Case, Constant, Input, Real, one_node, quantized, rng_for

X, Y = quantized(0.05, 3), quantized(1 / 256, -128)


def lookup(x_type: QType, y_type: QType, codes: Array) -> Real:
    def real(x: Array, table: Array) -> Array:
        index = np.rint(x / x_type.scale[0]).astype(int) + x_type.zero[0] - x_type.min
        y: Array = (codes.astype(float)[index] - y_type.zero[0]) * y_type.scale[0]
        return y

    return real


def case(name: str, shape: tuple[int, ...], x: QType, y: QType) -> Case:
    codes = rng_for(name).permutation(np.arange(y.min, y.max + 1)).astype(y.dtype)
    return Case(f"lut_{name}", one_node(f"lut_{name}", Lut("permutation"), Input(shape, x), Constant(codes, y)), lookup(x, y, codes), 0.01)


def sigmoid(x: Array, table: Array) -> Array:
    return 1 / (1 + np.exp(-x))


CASES = [
    case("s8", (1024,), X, quantized()),
    case("s8_plane", (1, 5, 3, 2), X, quantized()),
    case("s8_one", (1,), X, quantized()),
    case("u8", (1024,), quantized(signed=False), quantized(signed=False)),
    Case("lut_sigmoid", one_node("lut_sigmoid", Lut("sigmoid"), Input((256,), X),
                                 Constant(from_function(Sigmoid().real, X, Y, Rounding.HALF_UP), Y)), sigmoid, 0.5),
]
