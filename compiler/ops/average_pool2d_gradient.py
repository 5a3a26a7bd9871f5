"""The gradient of an average pooling's input."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow, widen
from ..gradient import float_format
from ..ir import Array, Op, Param, Type, Types
from ..window import Window


@dataclass(frozen=True)
class AveragePool2dGradient(Op):
    """Input `g` (N, out_h, out_w, C), the gradient of average_pool2d's output; output (N, H, W, C), where `size` is (H, W).

    Each window adds `g / count` to its elements, `count` that of average_pool2d. Sums run from +0 over the windows: rows, columns.
    16-bit floats by way of float32, see `compiler/f16.py`.
    """

    size: tuple[int, int]
    window: Window
    count_include_pad: bool = False

    def infer(self, types: Types) -> tuple[Type, ...]:
        (g,) = types
        assert g
        float_format(self.name(), types)
        if len(g.shape) != 4 or g.shape[1:3] != self.window.output(*self.size):
            raise TapeoutError(f"{self.name()}: {g.dims} has not the windows of {self.size}")
        return (Type((g.shape[0], *self.size, g.shape[3]), g.q),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        g = widen(arrays[0])
        counts = self.window.taps(*self.size)[:, :, None].astype(np.float32)
        if self.count_include_pad:
            counts = np.full_like(counts, self.window.kernel[0] * self.window.kernel[1])
        shares = g / counts
        total = np.zeros((*g.shape[:2], *self.size, g.shape[4]), np.float32)
        for row, column in reversed(list(np.ndindex(*self.window.kernel))):  # an element's windows in their order
            (rows, columns), (in_rows, in_columns) = self.window.overlap((row, column), *self.size)
            total[:, :, in_rows, in_columns] += shares[:, :, rows, columns]
        return (narrow(total, float_format(self.name(), types)),)

    def params(self, types: Types) -> dict[str, Param]:
        (g,) = types
        assert g
        return {**self.window.params(self.infer(types)[0].shape, g.shape), "count_include_pad": int(self.count_include_pad)}
