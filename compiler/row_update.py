"""What the updates in place of fully connected layers share."""
from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from .errors import TapeoutError
from .f16 import narrow, widen
from .gradient import float_format
from .ir import F32, Array, Cost, Op, Param, Type, Types


@dataclass(frozen=True)
class RowUpdate(Op):
    """A step of a layer that reads one row. Inputs `w` (O, I), `b` (O), `x` of I and `y` of O elements, and one more; outputs the next `w`
    and `b`, which are `w[o, i] - s[o] * x[i]` and `b[o] - s[o]`, each product and sum rounded, with `s` of `step`.

    `w`, `x` and `y` have one format of floats; `b` has it too or is float32. All are widened to float32, in which the step is computed, and
    each result is rounded to its format once. An output may lie over the input that it follows.
    """

    learning_rate: float

    @abstractmethod
    def check(self, types: Types) -> None:
        """Raises TapeoutError where the fifth input does not fit."""

    @abstractmethod
    def step(self, types: Types, *arrays: Array) -> Array:
        """`s` (N, O) in float32."""

    def infer(self, types: Types) -> tuple[Type, ...]:
        w, b, x, y = types[:4]
        assert w and b and x and y
        format = float_format(self.name(), (w, x, y))
        if b.q not in (format, F32) or w.shape != (y.size, x.size) or b.shape != (y.size,):
            said = ", ".join(f"{t.q.code} {t.dims}" for t in (w, b, x, y))
            raise TapeoutError(f"{self.name()} takes w (O, I), b (O), x of I, y of O in one format, b in it or in f32, got {said}")
        self.check(types)
        return (w, b)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        w, b, x = map(widen, arrays[:3])
        x = x.reshape(len(x), -1)
        with np.errstate(over="ignore", invalid="ignore"):
            s = self.step(types, *arrays)
            found: tuple[Array, Array] = (w - s[:, :, None] * x[:, None, :], b - s)
        return tuple(narrow(array, float_format(self.name(), (type,))) for array, type in zip(found, types, strict=False))

    def symbol(self, types: Types) -> str:
        """`goodness_update_f16`, with a float32 bias beside weights of 16 bits `goodness_update_f16_f32`."""
        w, b = types[:2]
        assert w and b
        return f"{self.name()}_{w.q.storage}{'' if w.q == b.q else f'_{b.q.storage}'}"

    def params(self, types: Types) -> dict[str, Param]:
        x, y = types[2:4]
        assert x and y
        return {"inputs": x.size, "outputs": y.size}

    def cost(self, types: Types) -> Cost:
        assert types[0]
        moved = super().cost(types)
        return Cost(types[0].size, moved.bytes_read, moved.bytes_written)
