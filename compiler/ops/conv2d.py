"""Two-dimensional convolution, with groups."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..accumulate import centred, finish, sum_fields, sum_type
from ..dot import exact_matmul, ordered_matmul
from ..errors import TapeoutError
from ..ir import Array, Cost, FType, Op, Param, QType, Type, Types
from ..window import Window
from .clip import Clip
from .requant import Requant


@dataclass(frozen=True)
class Conv2D(Op):
    """Inputs `x` (N, H, W, C), `w` (O, k_h, k_w, C / groups), optional `b` (O), with `requant` also `mul` and `shift`.

    Integers: `sum((x - x_zero) * w) + b` in 32 bits, exact; padding counts as `x_zero`; then `requant` if there.
    float32: the sum runs from +0 over rows, columns and channels of the kernel, in this order, each
    product rounded before its sum; then `b` is added; then `clip` if there.
    """

    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 1
    requant: Requant | None = None
    clip: Clip | None = None

    def window(self, types: Types) -> Window:
        assert types[1]
        return Window((types[1].shape[1], types[1].shape[2]), self.stride, self.dilation, self.pads)

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, w = types[:2]
        assert x and w
        if len(x.shape) != 4 or len(w.shape) != 4:
            raise TapeoutError(f"conv2d takes x NHWC and w OHWI, got {x.dims} and {w.dims}")
        if x.shape[3] != w.shape[3] * self.groups or w.shape[0] % self.groups:
            raise TapeoutError(f"conv2d of {x.dims} with weights {w.dims} does not fit {self.groups} group(s)")
        if isinstance(w.q, QType) and any(w.q.zero):
            raise TapeoutError("conv2d takes weights whose zero point is 0")
        shape = (x.shape[0], *self.window(types).output(x.shape[1], x.shape[2]), w.shape[0])
        return (sum_type(shape, types, self.requant),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        x, w, b = arrays[:3]
        (y,) = self.infer(types)
        assert types[0]
        columns = w.reshape(w.shape[0], -1).T
        dot = ordered_matmul if isinstance(types[0].q, FType) else exact_matmul
        patches = self.window(types).patches(centred(x, types[0], columns).reshape(-1, *x.shape[2:]), 0)
        rows = patches.shape[:3]
        inputs, outputs = w.shape[3], w.shape[0] // self.groups
        sums = np.concatenate([
            dot(patches[..., g * inputs : (g + 1) * inputs].reshape(*rows, -1), columns[:, g * outputs : (g + 1) * outputs])
            for g in range(self.groups)
        ], axis=-1)
        return (finish(sums.reshape(len(x), *y.shape), b, self.requant, self.clip, arrays[3:]),)

    def params(self, types: Types) -> dict[str, Param]:
        (y,) = self.infer(types)
        assert types[0]
        return {**self.window(types).params(types[0].shape, y.shape), "groups": self.groups, **sum_fields(types, self.requant, self.clip)}

    def cost(self, types: Types) -> Cost:
        (y,) = self.infer(types)
        assert types[1]
        moved = super().cost(types)
        return Cost(y.size * types[1].size // types[1].shape[0], moved.bytes_read, moved.bytes_written)
