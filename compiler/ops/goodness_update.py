"""A step of a fully connected layer along the gradient of its own goodness."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..ir import F32, Array, Cost, Op, Param, Type, Types


@dataclass(frozen=True)
class GoodnessUpdate(Op):
    """Inputs `w` (O, I), `b` (O), `x` of I and `y` of O elements, what the layer read and computed, and `d` (1), the derivative of the loss
    by the mean of `y * y`; outputs the next `w` and `b`.

    With `s = rate * d * y[o]`, `rate` the float32 nearest to `2 * learning_rate`, each product and sum rounded: `w[o, i] - s * x[i]` and
    `b[o] - s`. That is a step along the gradient of O times the loss, so that a rate fits layers of any width. Behind a relu `y` is 0
    where the gradient is, so neither the gradient of `y` nor that of `w` is ever held. An output may lie over the input that it follows.
    """

    learning_rate: float

    def infer(self, types: Types) -> tuple[Type, ...]:
        w, b, x, y, d = types
        assert w and b and x and y and d
        if any(t.q != F32 for t in (w, b, x, y, d)) or w.shape != (y.size, x.size) or b.shape != (y.size,) or d.size != 1:
            raise TapeoutError(f"{self.name()} takes f32 w (O, I), b (O), x of I, y of O, d of 1, got {[t.dims for t in (w, b, x, y, d)]}")
        return (w, b)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        w, b, x, y, d = arrays
        x, y = x.reshape(len(x), -1), y.reshape(len(y), -1)
        s = (np.float32(2 * self.learning_rate) * d.reshape(len(d), 1)) * y
        return (w - s[:, :, None] * x[:, None, :], b - s)

    def params(self, types: Types) -> dict[str, Param]:
        x, y = types[2:4]
        assert x and y
        return {"inputs": x.size, "outputs": y.size, "rate": 2 * self.learning_rate}

    def cost(self, types: Types) -> Cost:
        assert types[0]
        moved = super().cost(types)
        return Cost(types[0].size, moved.bytes_read, moved.bytes_written)
