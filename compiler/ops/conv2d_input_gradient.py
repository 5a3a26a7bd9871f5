"""The gradient of a convolution's input."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow
from ..gradient import LayerGradient
from ..ir import Array, Cost, Param, Type, Types
from ..window import Window


@dataclass(frozen=True)
class Conv2dInputGradient(LayerGradient):
    """Inputs `g` (N, out_h, out_w, O), the gradient of conv2d's output, and its `w` (O, k_h, k_w, C / groups); output (N, H, W, C).

    `size` is (H, W). `sum(g * w)` from +0 over rows and columns of the kernel and output channels, in this order, wherever a window has
    that tap on the element.
    """

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 1

    def window(self, types: Types) -> Window:
        assert types[1]
        return Window((types[1].shape[1], types[1].shape[2]), self.stride, self.dilation, self.pads)

    def infer(self, types: Types) -> tuple[Type, ...]:
        g, w = types
        assert g and w
        if len(g.shape) != 4 or len(w.shape) != 4 or g.shape[3] != w.shape[0] or g.shape[3] % self.groups:
            raise TapeoutError(f"{self.name()} takes g NHWC and w OHWI, got {g.dims} and {w.dims}")
        if g.shape[1:3] != self.window(types).output(*self.size):
            raise TapeoutError(f"{self.name()}: {g.dims} has not the windows of {self.size}")
        return (Type((g.shape[0], *self.size, w.shape[3] * self.groups), self.format(types)),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        g, w = self.widened(types, arrays)
        (x,) = self.infer(types)
        window, inputs, outputs = self.window(types), w.shape[3], w.shape[0] // self.groups
        total = np.zeros((len(g), *x.shape), g.dtype)
        for row, column in np.ndindex(*window.kernel):
            (rows, columns), (in_rows, in_columns) = window.overlap((row, column), *self.size)
            for o in range(w.shape[0]):
                own = slice(o // outputs * inputs, (o // outputs + 1) * inputs)
                reached = total[:, :, in_rows, in_columns, own]
                total[:, :, in_rows, in_columns, own] = self.add(types, reached, g[:, :, rows, columns, o, None], w[o, row, column])
        return (narrow(total, self.format(types)),)

    def params(self, types: Types) -> dict[str, Param]:
        g = types[0]
        assert g
        return {**self.window(types).params(self.infer(types)[0].shape, g.shape), "groups": self.groups}

    def cost(self, types: Types) -> Cost:
        g, w = types
        assert g and w
        moved = super().cost(types)
        return Cost(g.size * w.size // w.shape[0], moved.bytes_read, moved.bytes_written)
