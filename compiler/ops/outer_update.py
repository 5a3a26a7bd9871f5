"""A step of a fully connected layer along the outer product of an error and its input."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..ir import F32, Array, Cost, Op, Param, Type, Types


@dataclass(frozen=True)
class OuterUpdate(Op):
    """Inputs `w` (O, I), `b` (O), `x` of I and `y` of O elements, and optional `z` of O; outputs the next `w` and `b`.

    With `s = learning_rate * (y[o] - z[o])`, without `z` `learning_rate * y[o]`, each product and sum rounded: `w[o, i] - s * x[i]` and
    `b[o] - s`. The outer product is never held. An output may lie over the input that it follows.
    """

    learning_rate: float

    def infer(self, types: Types) -> tuple[Type, ...]:
        w, b, x, y, z = types
        assert w and b and x and y
        given = [t for t in (w, b, x, y, z) if t]
        if any(t.q != F32 for t in given) or w.shape != (y.size, x.size) or b.shape != (y.size,) or (z and z.size != y.size):
            raise TapeoutError(f"{self.name()} takes f32 w (O, I), b (O), x of I, y and z of O, got {[t.dims for t in given]}")
        return (w, b)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        w, b, x, y = arrays[:4]
        x, y = x.reshape(len(x), -1), y.reshape(len(y), -1)
        s = np.float32(self.learning_rate) * (y - arrays[4].reshape(len(y), -1) if types[4] else y)
        return (w - s[:, :, None] * x[:, None, :], b - s)

    def params(self, types: Types) -> dict[str, Param]:
        x, y = types[2:4]
        assert x and y
        return {"inputs": x.size, "outputs": y.size, "learning_rate": self.learning_rate}

    def cost(self, types: Types) -> Cost:
        assert types[0]
        moved = super().cost(types)
        return Cost(types[0].size, moved.bytes_read, moved.bytes_written)
