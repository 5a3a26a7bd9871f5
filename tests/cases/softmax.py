"""Cases of softmax: flat and steep inputs, short and long rows."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.softmax import Softmax

from . import Case, Input, one_node, quantized


def real(x: Array) -> Array:
    e: Array = np.exp(x - x.max(axis=-1, keepdims=True))
    y: Array = e / e.sum(axis=-1, keepdims=True)
    return y


def codes(name: str, shape: tuple[int, ...], scale: float, zero: int = 5, beta: float = 1.0) -> Case:
    op = Softmax.for_codes(scale, beta)
    return Case(name, one_node(name, op, Input(shape, quantized(scale, zero))), lambda x: real(beta * x), 0.51)


CASES = [
    codes("softmax_s8", (1, 10), 0.05),
    codes("softmax_s8_steep", (3, 12), 1.7, -128),
    codes("softmax_s8_steepest", (2, 6), 40.0),
    codes("softmax_s8_flat", (2, 3, 5), 0.001),
    codes("softmax_s8_beta", (1, 7), 0.2, beta=0.5),
    codes("softmax_s8_long", (1, 1500), 0.03),
    codes("softmax_s8_one", (4, 1), 0.1),
    Case("softmax_f32", one_node("softmax_f32", Softmax(), Input((1, 10))), real, 1e-6),
    Case("softmax_f32_rows", one_node("softmax_f32_rows", Softmax(), Input((2, 3, 33))), real, 1e-6),
    Case("softmax_f32_one", one_node("softmax_f32_one", Softmax(), Input((3, 1))), real, 0.0),
]
