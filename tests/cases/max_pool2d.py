"""Cases of max_pool2d: those of average_pool2d."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.max_pool2d import MaxPool2D

from . import Case, Input, one_node
from .average_pool2d import SHAPES, Q, windows

RELU = -7, 50


def codes(name: str, x: tuple[int, ...], op: MaxPool2D) -> Case:
    lo, hi = ((v - Q.zero[0]) * Q.scale[0] for v in (op.lo, op.hi))
    return Case(name, one_node(name, op, Input(x, Q)), lambda a: np.clip(windows(a, op.window, "max", -np.inf), lo, hi), 0.0)


def floats(name: str, x: tuple[int, ...], op: MaxPool2D) -> Case:
    lo, hi = (op.clip.lo, op.clip.hi) if op.clip else (-np.inf, np.inf)
    return Case(name, one_node(name, op, Input(x)), lambda a: np.clip(windows(a, op.window, "max", -np.inf), lo, hi), 0.0)


CASES = [
    *(codes(f"max_pool2d_s8_{n}", x, MaxPool2D(w)) for n, (x, w) in SHAPES.items()),
    codes("max_pool2d_s8_relu", (1, 5, 6, 2), MaxPool2D(SHAPES["padded"][1], *RELU)),
    codes("max_pool2d_s8_relu_of_many", (1, 5, 6, 7), MaxPool2D(SHAPES["padded"][1], *RELU)),
    *(floats(f"max_pool2d_f32_{n}", x, MaxPool2D(w)) for n, (x, w) in SHAPES.items()),
    floats("max_pool2d_f32_relu", (1, 5, 6, 2), MaxPool2D(SHAPES["padded"][1], clip=Clip(0.0, 6.0))),
]
