"""Integer codes to floats."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..ir import F32, Array, Op, Param, QType, Type, Types
from .quantize import check_scale


@dataclass(frozen=True)
class Dequantize(Op):
    """`y = (x - zero) * scale`: the exact difference of 8-bit codes times the scale, one float32 multiplication."""

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if not isinstance(x.q, QType) or x.q.bits > 8:
            raise TapeoutError(f"dequantize takes codes of up to 8 bits, got {x.q.code}")
        check_scale("dequantize", x.q)
        return (Type(x.shape, F32),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        assert types[0]
        q = types[0].quantized
        return ((arrays[0].astype(np.int32) - q.zero[0]).astype(np.float32) * np.float32(q.scale[0]),)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        q = types[0].quantized
        return {"size": types[0].size, "scale": q.scale[0], "zero": q.zero[0]}
