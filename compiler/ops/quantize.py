"""Floats to integer codes."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..fixed import Rounding, round_half_away
from ..ir import F32, Array, Op, Param, QType, Type, Types


@dataclass(frozen=True)
class Quantize(Op):
    """`y = clip(round(x / scale) + zero)`: a float32 division by the scale rounded to float32, then `rounding`.

    HALF_AWAY is TensorFlow Lite's rounding, HALF_EVEN that of ONNX. Infinities saturate; NaN gives the zero point.
    """

    output: QType
    rounding: Rounding = Rounding.HALF_EVEN

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if x.q != F32:
            raise TapeoutError(f"quantize takes float32, got {x.q.code}")
        if self.rounding not in (Rounding.HALF_AWAY, Rounding.HALF_EVEN):
            raise TapeoutError(f"quantize rounds half_away or half_even, not {self.rounding}")
        check_scale("quantize", self.output)
        return (Type(x.shape, self.output),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        q, zero = self.output, self.output.zero[0]
        with np.errstate(all="ignore"):
            scaled = arrays[0] / np.float32(q.scale[0])
        scaled = np.clip(np.where(np.isnan(scaled), np.float32(0), scaled), np.float32(q.min - zero), np.float32(q.max - zero))
        whole = np.rint(scaled) if self.rounding is Rounding.HALF_EVEN else round_half_away(scaled)
        return ((whole.astype(np.int32) + zero).astype(q.dtype),)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"size": types[0].size, "scale": self.output.scale[0], "zero": self.output.zero[0], "rounding": self.rounding}

    def inplace(self, types: Types) -> tuple[int, ...]:
        return (0,)


def check_scale(op: str, q: QType) -> None:
    """Raises TapeoutError unless `q` has one zero point that is a code and one scale that is a normal float32."""
    if len(q.scale) != 1 or len(q.zero) != 1:
        raise TapeoutError(f"{op} takes one scale and zero point for the tensor, got {len(q.scale)} and {len(q.zero)}")
    if not np.finfo(np.float32).tiny <= q.scale[0] <= np.finfo(np.float32).max:
        raise TapeoutError(f"{op} has scale {q.scale[0]}, which is no positive normal float32")
    if not q.min <= q.zero[0] <= q.max:
        raise TapeoutError(f"{op} has zero point {q.zero[0]}, which {q.code} does not hold")
