"""The gradient of a depthwise convolution's weights."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow
from ..gradient import LayerGradient
from ..ir import Array, Cost, Param, Type, Types
from ..window import Window


@dataclass(frozen=True)
class DepthwiseConv2dWeightGradient(LayerGradient):
    """Inputs `x` (N, H, W, C) of depthwise_conv2d and `g` (N, out_h, out_w, C * m), the gradient of its output; output (k_h, k_w, C * m).

    `sum(g * x)` from +0 over the pixels of `g`: images, rows, columns; those whose tap lies in the padding are no steps.
    """

    window: Window

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, g = types
        assert x and g
        if len(x.shape) != 4 or g.shape[:-1] != (x.shape[0], *self.window.output(x.shape[1], x.shape[2])) or g.shape[3] % x.shape[3]:
            raise TapeoutError(f"{self.name()} takes x NHWC and g of its windows, got {x.dims} and {g.dims}")
        return (Type((*self.window.kernel, g.shape[3]), self.format(types)),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        x, g = self.widened(types, arrays)
        (y,) = self.infer(types)
        count = len(x)
        patches = self.window.patches(np.repeat(x, y.shape[2] // x.shape[4], axis=4).reshape(-1, *x.shape[2:4], y.shape[2]), 0)
        inside = self.window.patches(np.ones((1, *x.shape[2:4], 1), bool), False).reshape(-1, *self.window.kernel, 1)
        patches = patches.reshape(count, -1, *patches.shape[3:])
        g = g.reshape(count, -1, g.shape[-1])
        total = np.zeros((count, *y.shape), g.dtype)
        for pixel in range(g.shape[1]):
            total = self.add(types, total, patches[:, pixel], g[:, pixel, None, None], inside[pixel % len(inside)])
        return (narrow(total, self.format(types)),)

    def params(self, types: Types) -> dict[str, Param]:
        x, g = types
        assert x and g
        return {**self.window.params(x.shape, g.shape)}

    def cost(self, types: Types) -> Cost:
        assert types[1]
        moved = super().cost(types)
        return Cost(types[1].size * self.window.kernel[0] * self.window.kernel[1], moved.bytes_read, moved.bytes_written)
