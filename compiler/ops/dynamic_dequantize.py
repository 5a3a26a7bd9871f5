"""Integer codes whose scale and zero point are computed while the network runs, to floats."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..ir import F32, Array, Op, Param, QType, Type, Types


@dataclass(frozen=True)
class DynamicDequantize(Op):
    """Inputs `x` codes of up to 16 bits, `scale` (1) float32 and `zero` (1) in 32 bits, as `dynamic_quantize` gives them.

    `y = (x - zero) * scale`: the difference is exact, one float32 multiplication.
    """

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, scale, zero = types
        assert x and scale and zero
        if not isinstance(x.q, QType) or x.q.bits > 16 or x.q.bipolar:
            raise TapeoutError(f"dynamic_dequantize takes codes of up to 16 bits, got {x.q.code}")
        if (scale.shape, scale.q) != ((1,), F32) or zero.shape != (1,) or zero.quantized.bits != 32:
            raise TapeoutError(f"dynamic_dequantize of {x.q.code} does not fit {scale.q.code} {scale.dims} and {zero.q.code} {zero.dims}")
        return (Type(x.shape, F32),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        assert types[0]
        x, scale, zero = arrays
        each = (-1, *(1,) * len(types[0].shape))
        return ((x.astype(np.int64) - zero.reshape(each)).astype(np.float32) * scale.reshape(each),)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"size": types[0].size}
