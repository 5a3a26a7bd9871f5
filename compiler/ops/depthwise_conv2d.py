"""Depthwise convolution: each output channel reads one input channel."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..accumulate import Stage, blocks, centred, centred_weights, finish, packed_strides, sum_fields, sum_symbol, sum_type
from ..dot import add_product, padding_matters
from ..errors import TapeoutError
from ..f16 import fuses
from ..ir import F32, Array, Cost, FType, Op, Param, QType, Type, Types
from ..window import Window
from .clip import Clip


@dataclass(frozen=True)
class DepthwiseConv2D(Op):
    """Inputs `x` (N, H, W, C), `w` (k_h, k_w, C * m), optional `b` (C * m), with `requant` also `mul` and `shift`.

    Output channel `o` reads input channel `o / m`. Numbers are those of conv2d: exact for
    integers, whose weights have no blocks; for floats from +0 over rows and columns of the kernel, then `b`, then `clip`, by
    `accumulator` and `fused` as there.
    """

    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    requant: Stage | None = None
    clip: Clip | None = None
    accumulator: FType = F32
    fused: bool = False

    def window(self, types: Types) -> Window:
        assert types[1]
        return Window((types[1].shape[0], types[1].shape[1]), self.stride, self.dilation, self.pads)

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, w = types[:2]
        assert x and w
        if len(x.shape) != 4 or len(w.shape) != 3 or w.shape[2] % x.shape[3]:
            raise TapeoutError(f"depthwise_conv2d takes x NHWC and w HWO with O a multiple of C, got {x.dims} and {w.dims}")
        if isinstance(w.q, QType) and any(w.q.zero):
            raise TapeoutError("depthwise_conv2d takes weights whose zero point is 0")
        if len(blocks(w)) > 1:
            raise TapeoutError("depthwise_conv2d takes weights without blocks: each of its sums has one input channel")
        shape = (x.shape[0], *self.window(types).output(x.shape[1], x.shape[2]), w.shape[2])
        return (sum_type(shape, types, self.requant, self.accumulator),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        assert types[0] and types[1]
        w = centred_weights(arrays[1], types[1], self.accumulator)
        x = centred(arrays[0], types[0], w.reshape(-1, w.shape[2]), *arrays[5:])
        images = x.reshape(-1, *x.shape[2:])
        window = self.window(types)
        patches = window.patches(images, 0)
        fused = fuses(types[0].q, self.accumulator, self.fused)
        inside = window.patches(np.ones_like(images[:1, ..., :1], bool), False) if padding_matters(w, fused) else None
        multiplier = w.shape[2] // x.shape[-1]
        taps = w.astype(images.dtype)
        sums = np.zeros((*patches.shape[:3], w.shape[2]), images.dtype)
        for row in range(w.shape[0]):
            for column in range(w.shape[1]):
                tap = patches[:, :, :, row, column]
                tap = np.repeat(tap, multiplier, axis=-1) if multiplier > 1 else tap
                sums = add_product(sums, tap, taps[row, column], None if inside is None else inside[:, :, :, row, column], fused)
        if not isinstance(types[0].q, FType):
            sums = sums.astype(np.int64)
        return (finish(sums.reshape(len(x), -1, *sums.shape[1:]), types, arrays, self.requant, self.clip),)

    def symbol(self, types: Types) -> str:
        return sum_symbol(self.name(), types, self.infer(types)[0], self.accumulator, self.fused)

    def params(self, types: Types) -> dict[str, Param]:
        (y,) = self.infer(types)
        assert types[0]
        multiplier = y.shape[3] // types[0].shape[3]
        window = self.window(types).params(types[0].shape, y.shape) | packed_strides(types[0], y)
        return {**window, "multiplier": multiplier, **sum_fields(types, self.requant, self.clip, y)}

    def cost(self, types: Types) -> Cost:
        (y,) = self.infer(types)
        assert types[1]
        moved = super().cost(types)
        return Cost(y.size * types[1].shape[0] * types[1].shape[1], moved.bytes_read, moved.bytes_written)
