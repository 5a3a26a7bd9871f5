"""Cases of mean: over any axes, with and without keepdims."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ops.mean import Mean, mean_multiplier
from tapeout.compiler.ops.requant import Requant

from . import Case, Constant, Input, Real, one_node, quantized

X, OUT = quantized(0.05, 9), quantized(0.03, -5)
SHAPES: dict[str, tuple[tuple[int, ...], tuple[int, ...], bool]] = {
    "plane": ((1, 4, 6, 3), (1, 2), False),
    "keep": ((2, 3, 5, 2), (1, 2), True),
    "last": ((3, 7), (1,), False),
    "first": ((5, 4), (0,), True),
    "apart": ((3, 2, 4, 5), (0, 2), False),
    "all": ((2, 3, 3), (0, 1, 2), False),
    "one_element": ((2, 1, 1, 3), (1, 2), False),
    "five_axes": ((2, 3, 2, 3, 2), (1, 3), True),
}


def real_of(op: Mean) -> Real:
    return lambda x, *_: x.mean(axis=tuple(a + 1 for a in op.axes), keepdims=op.keepdims)


def codes(name: str, x: tuple[int, ...], axes: tuple[int, ...], keepdims: bool = False, rounding: Rounding = Rounding.TFLITE) -> Case:
    op = Mean(axes, keepdims, Requant(OUT, rounding))
    count = int(np.prod([x[a] for a in axes]))
    mul, shift = mean_multiplier(X.scale[0] / OUT.scale[0], count)
    factor = Constant(np.array([mul], np.int32)), Constant(np.array([shift], np.int8))
    return Case(name, one_node(name, op, Input(x, X), *factor), real_of(op))


def floats(name: str, x: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> Case:
    op = Mean(axes, keepdims)
    return Case(name, one_node(name, op, Input(x)), real_of(op), 1e-6)


CASES = [
    *(codes(f"mean_s8_{n}", *shape) for n, shape in SHAPES.items()),
    *(codes(f"mean_s8_{r.value}", (1, 3, 3, 8), (1, 2), rounding=r) for r in Rounding),
    *(floats(f"mean_f32_{n}", *shape) for n, shape in SHAPES.items()),
]
