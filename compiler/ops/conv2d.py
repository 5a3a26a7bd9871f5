"""Two-dimensional convolution, with groups."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..accumulate import Stage, blocks, centred, centred_weights, finish, packed_strides, sum_fields, sum_symbol, sum_type
from ..dot import exact_matmul, ordered_matmul, padding_matters
from ..errors import TapeoutError, Unsupported
from ..f16 import fuses
from ..ir import F32, Array, Cost, FType, Op, Param, QType, Type, Types
from ..window import Window
from .clip import Clip


@dataclass(frozen=True)
class Conv2D(Op):
    """Inputs `x` (N, H, W, C), `w` (O, k_h, k_w, C / groups), optional `b` (O), those of `requant` if there, optional `x_zero`.

    Integers: `sum((x - x_zero) * w) + b`, exact; padding counts as `x_zero`; then `requant` if there. Bipolar codes, blocks and a
    computed `x_zero` as in dense; padding beside bipolar codes counts as 0.
    float32: the sum runs from +0 over rows, columns and channels of the kernel, in this order, each
    product rounded before its sum, or fused with it where it is `fused`; then `b` is added; then `clip` if there.
    16-bit floats: the same by `compiler/f16.py`, with sums and `b` in f32, or in f16 where `accumulator` says so.
    """

    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 1
    requant: Stage | None = None
    clip: Clip | None = None
    accumulator: FType = F32
    fused: bool = False

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
        return (sum_type(shape, types, self.requant, self.accumulator),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        assert types[0] and types[1]
        w = centred_weights(arrays[1], types[1], self.accumulator)
        x = centred(arrays[0], types[0], w.reshape(len(w), -1).T, *arrays[5:])
        images = x.reshape(-1, *x.shape[2:])
        window = self.window(types)
        patches, matters = window.patches(images, 0), padding_matters(w, fuses(types[0].q, self.accumulator, self.fused))
        inside = window.patches(np.ones_like(images[:1], bool), False) if matters else None
        parts = [self._sums(types[0].q, patches, inside, w, part) for part in blocks(types[1])]
        sums = parts[0] if len(parts) == 1 else np.stack(parts, axis=-1)
        return (finish(sums.reshape(len(x), -1, *sums.shape[1:]), types, arrays, self.requant, self.clip),)

    def _sums(self, q: QType | FType, patches: Array, inside: Array | None, w: Array, part: slice) -> Array:
        """The sums (N, out_h, out_w, O) over these input channels of each group; `inside` says what is no padding, if that matters."""
        inputs, outputs = w.shape[3], w.shape[0] // self.groups
        found, fused = [], fuses(q, self.accumulator, self.fused)
        for group in range(self.groups):
            x = patches[..., group * inputs : (group + 1) * inputs][..., part].reshape(*patches.shape[:3], -1)
            taps = w[group * outputs : (group + 1) * outputs][..., part].reshape(outputs, -1).T
            counts = None if inside is None else inside[..., :inputs].reshape(*inside.shape[:3], -1)
            found.append(ordered_matmul(x, taps, counts, fused) if w.dtype.kind == "f" else exact_matmul(x, taps))
        return np.concatenate(found, axis=-1)

    def symbol(self, types: Types) -> str:
        x, w = types[:2]
        assert x and w
        if x.q.storage == "b1" and self.groups > 1 and w.shape[3] % 8:
            raise Unsupported(f"kernels of conv2d take groups of bipolar channels by eights, got {w.shape[3]} channels each")
        return sum_symbol(self.name(), types, self.infer(types)[0], self.accumulator, self.fused)

    def params(self, types: Types) -> dict[str, Param]:
        (y,) = self.infer(types)
        assert types[0]
        window = self.window(types).params(types[0].shape, y.shape) | packed_strides(types[0], y)
        return {**window, "groups": self.groups, **sum_fields(types, self.requant, self.clip, y)}

    def cost(self, types: Types) -> Cost:
        (y,) = self.infer(types)
        assert types[1]
        moved = super().cost(types)
        return Cost(y.size * types[1].size // types[1].shape[0], moved.bytes_read, moved.bytes_written)
