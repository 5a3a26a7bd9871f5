"""A step of a fully connected layer along the outer product of an error and its input."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import widen
from ..ir import Array, Param, Types
from ..row_update import RowUpdate


@dataclass(frozen=True)
class OuterUpdate(RowUpdate):
    """Inputs `w` (O, I), `b` (O), `x` of I and `y` of O elements, and optional `z` like `y`; outputs the next `w` and `b`.

    With `s = learning_rate * (y[o] - z[o])`, without `z` `learning_rate * y[o]`, each product and sum rounded: `w[o, i] - s * x[i]` and
    `b[o] - s`. The outer product is never held. Formats as in `RowUpdate`.
    """

    def check(self, types: Types) -> None:
        y, z = types[3:5]
        assert y
        if z and (z.q != y.q or z.size != y.size):
            raise TapeoutError(f"{self.name()} takes y and z of one size and format, got {y.q.code} {y.dims} and {z.q.code} {z.dims}")

    def step(self, types: Types, *arrays: Array) -> Array:
        y = widen(arrays[3]).reshape(len(arrays[3]), -1)
        return np.asarray(np.float32(self.learning_rate) * (y - widen(arrays[4]).reshape(len(y), -1) if types[4] else y))

    def params(self, types: Types) -> dict[str, Param]:
        return {**super().params(types), "learning_rate": self.learning_rate}
