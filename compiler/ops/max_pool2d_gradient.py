"""The gradient of a maximum pooling's input."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow, widen
from ..gradient import float_format
from ..ir import Array, Op, Param, Type, Types
from ..window import Window


@dataclass(frozen=True)
class MaxPool2dGradient(Op):
    """Inputs `x` (N, H, W, C) of max_pool2d and `g` (N, out_h, out_w, C), the gradient of its output; output of the shape of `x`.

    Each window adds its `g` to the element that wins it as max_pool2d says, the first of equal ones; to none when all are NaN or minus
    infinity. Sums run from +0 over the windows: rows, columns. 16-bit floats by way of float32, see `compiler/f16.py`.
    """

    window: Window

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, g = types
        assert x and g
        float_format(self.name(), types)
        if len(x.shape) != 4 or g.shape != (x.shape[0], *self.window.output(x.shape[1], x.shape[2]), x.shape[3]):
            raise TapeoutError(f"{self.name()} takes x NHWC and g of its windows, got {x.dims} and {g.dims}")
        return (x,)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        x, g = widen(arrays[0]), widen(arrays[1])
        images = x.reshape(-1, *x.shape[2:])
        g = g.reshape(-1, *g.shape[2:])
        patches = self.window.patches(images, -np.inf)
        largest, winner = np.full(g.shape, -np.inf, np.float32), np.full(g.shape, -1)
        taps = list(np.ndindex(*self.window.kernel))
        for number, (row, column) in enumerate(taps):
            wins = patches[:, :, :, row, column] > largest
            largest, winner = np.where(wins, patches[:, :, :, row, column], largest), np.where(wins, number, winner)
        total = np.zeros_like(images)
        for number in reversed(range(len(taps))):  # an element's windows in their order have it as their last tap first
            (rows, columns), (in_rows, in_columns) = self.window.overlap(taps[number], x.shape[2], x.shape[3])
            total[:, in_rows, in_columns] += np.where(winner == number, g, np.float32(0))[:, rows, columns]
        return (narrow(total.reshape(x.shape), float_format(self.name(), types)),)

    def params(self, types: Types) -> dict[str, Param]:
        x, g = types
        assert x and g
        return {**self.window.params(x.shape, g.shape)}
