"""The mean squared error and its gradient."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..gradient import only_floats
from ..ir import Array, Op, Param, Type, Types


@dataclass(frozen=True)
class MeanSquaredError(Op):
    """Inputs `z`, what the network gives, and `t` of the same shape, what it should; outputs the gradient of `z` and the loss (1).

    With `d = z - t`: the gradient is `(d + d) / size`; the loss the sum of `d * d` from +0 over all elements in order, divided by `size`.
    """

    def infer(self, types: Types) -> tuple[Type, ...]:
        z, t = types
        assert z and t
        only_floats(self.name(), types)
        if z != t:
            raise TapeoutError(f"{self.name()} takes z and t of one shape, got {z.dims} and {t.dims}")
        return (z, Type((1,), z.q))

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        assert types[0]
        difference = arrays[0] - arrays[1]
        flat, size = difference.reshape(len(difference), -1), np.float32(types[0].size)
        total = np.zeros(len(flat), np.float32)
        for i in range(flat.shape[1]):
            total += flat[:, i] * flat[:, i]
        return ((difference + difference) / size, (total / size)[:, None])

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"size": types[0].size}
