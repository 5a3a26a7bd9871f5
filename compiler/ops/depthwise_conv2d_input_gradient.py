"""The gradient of a depthwise convolution's input."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow
from ..gradient import LayerGradient
from ..ir import Array, Cost, Param, Type, Types
from ..window import Window


@dataclass(frozen=True)
class DepthwiseConv2dInputGradient(LayerGradient):
    """Inputs `g` (N, out_h, out_w, C * m), the gradient of depthwise_conv2d's output, and its `w` (k_h, k_w, C * m); output (N, H, W, C).

    `shape` is (H, W, C). `sum(g * w)` from +0 over rows and columns of the kernel and the `m` output channels, in this order, wherever a
    window has that tap on the element.
    """

    shape: tuple[int, int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)

    def window(self, types: Types) -> Window:
        assert types[1]
        return Window((types[1].shape[0], types[1].shape[1]), self.stride, self.dilation, self.pads)

    def infer(self, types: Types) -> tuple[Type, ...]:
        g, w = types
        assert g and w
        if len(g.shape) != 4 or len(w.shape) != 3 or g.shape[3] != w.shape[2] or g.shape[3] % self.shape[2]:
            raise TapeoutError(f"{self.name()} takes g NHWC and w HWO, got {g.dims} and {w.dims}")
        if g.shape[1:3] != self.window(types).output(*self.shape[:2]):
            raise TapeoutError(f"{self.name()}: {g.dims} has not the windows of {self.shape[:2]}")
        return (Type((g.shape[0], *self.shape), self.format(types)),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        g, w = self.widened(types, arrays)
        (x,) = self.infer(types)
        window, multiplier = self.window(types), w.shape[2] // self.shape[2]
        total = np.zeros((len(g), *x.shape), g.dtype)
        for row, column in np.ndindex(*window.kernel):
            (rows, columns), (in_rows, in_columns) = window.overlap((row, column), *self.shape[:2])
            for o in range(multiplier):
                steps = g[:, :, rows, columns, o::multiplier], w[row, column, o::multiplier]
                total[:, :, in_rows, in_columns] = self.add(types, total[:, :, in_rows, in_columns], *steps)
        return (narrow(total, self.format(types)),)

    def params(self, types: Types) -> dict[str, Param]:
        g = types[0]
        assert g
        return {**self.window(types).params(self.infer(types)[0].shape, g.shape)}

    def cost(self, types: Types) -> Cost:
        g, w = types
        assert g and w
        moved = super().cost(types)
        return Cost(g.size * w.size // w.shape[2], moved.bytes_read, moved.bytes_written)
