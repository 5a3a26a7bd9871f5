"""The mean squared error and its gradient."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..f16 import narrow, widen
from ..gradient import check_loss, float_format
from ..ir import F32, Array, Op, Param, Type, Types


@dataclass(frozen=True)
class MeanSquaredError(Op):
    """Inputs `z`, what the network gives, and float32 `t` of the same shape, what it should; outputs the gradient of `z`, times `scale`,
    and the float32 loss (1).

    With `d = z - t`: the gradient is `(d + d) / size * scale`, rounded once where `z` is a 16-bit float, whose elements are widened before
    all else; the loss the sum of `d * d` from +0 over all elements in order, divided by `size`.
    """

    scale: float = 1.0

    def infer(self, types: Types) -> tuple[Type, ...]:
        z, t = types
        assert z and t
        check_loss(self.name(), types)
        return (z, Type((1,), F32))

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        assert types[0]
        difference = widen(arrays[0]) - arrays[1]
        flat, size = difference.reshape(len(difference), -1), np.float32(types[0].size)
        total = np.zeros(len(flat), np.float32)
        for i in range(flat.shape[1]):
            total += flat[:, i] * flat[:, i]
        gradient = (difference + difference) / size * np.float32(self.scale)
        return (narrow(gradient, float_format(self.name(), types[:1])), (total / size)[:, None])

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"size": types[0].size, "scale": self.scale}
