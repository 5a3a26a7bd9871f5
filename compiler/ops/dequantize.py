"""Integer codes or sums to floats."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..codes import decode
from ..errors import TapeoutError
from ..ir import F32, Array, Op, Param, QType, Type, Types
from .quantize import check_scale


@dataclass(frozen=True)
class Dequantize(Op):
    """`y = (x - zero) * scale` over inputs `x` and optional `scale` (C): one float32 multiplication; bipolar: `x > 0 ? scale : -scale`.

    The difference of codes is exact. Sums, of 32 or 64 bits and zero point 0, are converted half to even; with a scale for each channel
    of the last axis they take these, in float32, as `scale`.
    """

    def infer(self, types: Types) -> tuple[Type, ...]:
        x = types[0]
        scale = types[1] if len(types) > 1 else None
        assert x
        if not isinstance(x.q, QType) or 16 < x.q.bits < 32:
            raise TapeoutError(f"dequantize takes codes of up to 16 bits or sums of 32 or 64, got {x.q.code}")
        if x.q.bits >= 32 and any(x.q.zero):
            raise TapeoutError(f"dequantize takes {x.q.code} sums without zero point, got {x.q.zero[0]}")
        if scale is None:
            check_scale("dequantize", x.q)
        elif x.q.bits < 32 or scale.q != F32 or not x.shape or scale.shape != x.shape[-1:]:
            raise TapeoutError(f"dequantize of {x.q.code} {x.dims} does not fit scales {scale.q.code} {scale.dims}")
        return (Type(x.shape, F32),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        assert types[0]
        if len(arrays) > 1 and arrays[1].size:
            return (arrays[0].astype(np.float32) * arrays[1],)
        return (decode(arrays[0], types[0].quantized, np.dtype(np.float32), types[0].shape),)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        q, channels = types[0].quantized, types[0].shape[-1] if types[0].shape else 1
        return {"size": types[0].size, "channels": channels, "scale": q.scale[0], "zero": q.zero[0]}
