"""The gradient of a convolution's weights."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow
from ..gradient import LayerGradient
from ..ir import Array, Cost, Param, Type, Types
from ..window import Window


@dataclass(frozen=True)
class Conv2dWeightGradient(LayerGradient):
    """Inputs `x` (N, H, W, C) of conv2d and `g` (N, out_h, out_w, O), the gradient of its output; output (O, k_h, k_w, C / groups).

    `sum(g * x)` from +0 over the pixels of `g`: images, rows, columns; those whose tap lies in the padding are no steps.
    """

    window: Window
    groups: int = 1

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, g = types
        assert x and g
        if len(x.shape) != 4 or g.shape[:-1] != (x.shape[0], *self.window.output(x.shape[1], x.shape[2])):
            raise TapeoutError(f"{self.name()} takes x NHWC and g of its windows, got {x.dims} and {g.dims}")
        if x.shape[3] % self.groups or g.shape[3] % self.groups:
            raise TapeoutError(f"{self.name()} of {x.dims} and {g.dims} does not fit {self.groups} group(s)")
        return (Type((g.shape[3], *self.window.kernel, x.shape[3] // self.groups), self.format(types)),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        x, g = self.widened(types, arrays)
        (y,) = self.infer(types)
        count, inputs, outputs = len(x), y.shape[3], y.shape[0] // self.groups
        patches = self.window.patches(x.reshape(-1, *x.shape[2:]), 0)
        inside = self.window.patches(np.ones((1, *x.shape[2:4], 1), bool), False).reshape(-1, *self.window.kernel, 1)
        patches = patches.reshape(count, -1, *patches.shape[3:])
        g = g.reshape(count, -1, g.shape[-1])
        total = np.zeros((count, *y.shape), g.dtype)
        for pixel in range(g.shape[1]):
            for group in range(self.groups):
                own = slice(group * outputs, (group + 1) * outputs)
                taps = patches[:, pixel, None, :, :, group * inputs : (group + 1) * inputs]
                counts = inside[pixel % len(inside)]
                total[:, own] = self.add(types, total[:, own], taps, g[:, pixel, own, None, None, None], counts)
        return (narrow(total, self.format(types)),)

    def params(self, types: Types) -> dict[str, Param]:
        x, g = types
        assert x and g
        return {**self.window.params(x.shape, g.shape), "groups": self.groups}

    def cost(self, types: Types) -> Cost:
        x, g = types
        assert x and g
        moved = super().cost(types)
        taps = self.window.kernel[0] * self.window.kernel[1]
        return Cost(g.size * taps * x.shape[3] // self.groups, moved.bytes_read, moved.bytes_written)
