"""The hyperbolic tangent on floats."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..f32 import tanh_f32
from ..ir import Array
from ..unary import Unary


@dataclass(frozen=True)
class Tanh(Unary):
    """`y = tanh(x)` in float32, as `tanh_f32` defines it."""

    def apply(self, x: Array) -> Array:
        return tanh_f32(x)

    def real(self, x: Array) -> Array:
        return np.tanh(x)
