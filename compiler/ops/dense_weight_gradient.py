"""The gradient of a fully connected layer's weights."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow
from ..gradient import LayerGradient
from ..ir import Array, Cost, Param, Type, Types


@dataclass(frozen=True)
class DenseWeightGradient(LayerGradient):
    """Inputs `x` (..., I) of dense and `g` (..., O), the gradient of its output; output (O, I).

    `sum(g * x)` from +0 over rows ascending.
    """

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, g = types
        assert x and g
        if not x.shape or not g.shape or x.shape[:-1] != g.shape[:-1]:
            raise TapeoutError(f"{self.name()} takes x (..., I) and g (..., O), got {x.dims} and {g.dims}")
        return (Type((g.shape[-1], x.shape[-1]), self.format(types)),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        x, g = self.widened(types, arrays)
        x, g = x.reshape(len(x), -1, x.shape[-1]), g.reshape(len(g), -1, g.shape[-1])
        total = np.zeros((len(g), g.shape[2], x.shape[2]), g.dtype)
        for row in range(x.shape[1]):
            total = self.add(types, total, g[:, row, :, None], x[:, row, None, :])
        return (narrow(total, self.format(types)),)

    def params(self, types: Types) -> dict[str, Param]:
        x, g = types
        assert x and g
        return {"rows": x.size // x.shape[-1], "inputs": x.shape[-1], "outputs": g.shape[-1]}

    def cost(self, types: Types) -> Cost:
        x, g = types
        assert x and g
        moved = super().cost(types)
        return Cost(x.size * g.shape[-1], moved.bytes_read, moved.bytes_written)
