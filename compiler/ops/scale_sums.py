"""Integer sums to floats by a scale that is computed while the network runs."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..ir import F32, Array, Op, Param, Type, Types
from .clip import Clip


@dataclass(frozen=True)
class ScaleSums(Op):
    """Inputs `x` 32-bit or 64-bit sums (..., C) or (..., C, B), `scale` (1) float32, `w_scale` (C) or (C, B) float32, optional `b` (C).

    `y = x * (scale * w_scale) + b` in float32 (..., C), each operation rounded, the conversion of `x` half to even; with blocks the
    products are summed from block 0 on before `b` is added; then `clip` if there.
    """

    clip: Clip | None = None

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, scale, w_scale = types[:3]
        b = types[3] if len(types) > 3 else None
        assert x and scale and w_scale
        rank = len(w_scale.shape)
        if x.quantized.bits < 32 or scale.shape != (1,) or rank not in (1, 2) or x.shape[-rank:] != w_scale.shape:
            raise TapeoutError(f"scale_sums of {x.q.code} {x.dims} does not fit scales {scale.dims} and {w_scale.dims}")
        shape = x.shape if rank == 1 else x.shape[:-1]
        if b and b.shape != shape[-1:]:
            raise TapeoutError(f"a bias of {b.dims} does not fit {shape[-1]} output channels")
        return (Type(shape, F32),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        x, scale, w_scale = arrays[:3]
        assert types[0] and types[2]
        factor = scale.reshape(-1, *(1,) * len(types[0].shape)) * w_scale
        products = x.astype(np.float32) * factor
        y = products if len(types[2].shape) == 1 else products[..., 0]
        if len(types[2].shape) == 2:
            for block in range(1, w_scale.shape[1]):
                y = y + products[..., block]
        if len(arrays) > 3 and arrays[3].size:
            y = y + arrays[3]
        return (self.clip.apply(y) if self.clip else y,)

    def params(self, types: Types) -> dict[str, Param]:
        x, _, w_scale = types[:3]
        (y,) = self.infer(types)
        assert x and w_scale
        blocks = w_scale.shape[1] if len(w_scale.shape) == 2 else 1
        return {"size": y.size, "channels": y.shape[-1], "blocks": blocks, **(self.clip or Clip()).fields(y)}
