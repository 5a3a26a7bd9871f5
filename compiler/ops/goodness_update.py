"""A step of a fully connected layer along the gradient of its own goodness."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import widen
from ..ir import F32, Array, Param, Types
from ..row_update import RowUpdate


@dataclass(frozen=True)
class GoodnessUpdate(RowUpdate):
    """Inputs `w` (O, I), `b` (O), `x` of I and `y` of O elements, what the layer read and computed, and float32 `d` (1), the derivative of
    the loss by the mean of `y * y`; outputs the next `w` and `b`.

    With `s = rate * d * y[o]`, `rate` the float32 nearest to `2 * learning_rate`, each product and sum rounded: `w[o, i] - s * x[i]` and
    `b[o] - s`. That is a step along the gradient of O times the loss, so that a rate fits layers of any width. Behind a relu `y` is 0
    where the gradient is, so neither the gradient of `y` nor that of `w` is ever held. Formats as in `RowUpdate`.
    """

    def check(self, types: Types) -> None:
        d = types[4]
        assert d
        if d.q != F32 or d.size != 1:
            raise TapeoutError(f"{self.name()} takes f32 d of one element, got {d.q.code} {d.dims}")

    def step(self, types: Types, *arrays: Array) -> Array:
        y, d = widen(arrays[3]), arrays[4]
        return np.asarray((np.float32(2 * self.learning_rate) * d.reshape(len(d), 1)) * y.reshape(len(y), -1))

    def params(self, types: Types) -> dict[str, Param]:
        return {**super().params(types), "rate": 2 * self.learning_rate}
