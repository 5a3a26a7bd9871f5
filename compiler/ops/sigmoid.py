"""The logistic function on floats."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..f32 import sigmoid_f32
from ..ir import Array
from ..unary import Unary


@dataclass(frozen=True)
class Sigmoid(Unary):
    """`y = 1 / (1 + e**-x)` in float32, as `sigmoid_f32` defines it."""

    def apply(self, x: Array) -> Array:
        return sigmoid_f32(x)

    def real(self, x: Array) -> Array:
        e = np.exp(-np.abs(x))
        y: Array = np.where(x >= 0, 1.0, e) / (1 + e)
        return y
