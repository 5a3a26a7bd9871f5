"""The hard swish on floats."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ir import Array
from ..unary import Unary

SIXTH = np.float32(1 / 6)


@dataclass(frozen=True)
class HardSwish(Unary):
    """`y = x * (min(max(x + 3, 0), 6) * c)` in float32, `c` the float32 nearest to 1/6.

    ONNX writes `x * max(0, min(1, x / 6 + 1/2))`, TensorFlow Lite `x * relu6(x + 3) / 6`; all are the same
    real function. This order neither divides nor overflows, and gives exactly x from 3 on. A NaN stays NaN; -inf gives NaN.
    """

    def apply(self, x: Array) -> Array:
        gate = x + np.float32(3)
        gate = np.where(gate < 0, np.float32(0), gate)
        gate = np.where(gate > 6, np.float32(6), gate)
        y: Array = x * (gate * SIXTH)
        return y

    def real(self, x: Array) -> Array:
        y: Array = x * np.clip(x + 3, 0, 6) / 6
        return y
