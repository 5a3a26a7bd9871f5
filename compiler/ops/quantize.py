"""Floats to integer codes."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..codes import encode
from ..errors import TapeoutError
from ..fixed import Rounding
from ..ir import F32, Array, Op, Param, QType, Type, Types


@dataclass(frozen=True)
class Quantize(Op):
    """`y = clip(round(x / scale) + zero)`, up to 16 bits: a float32 division by the scale rounded to float32, then `rounding`.

    HALF_AWAY is TensorFlow Lite's rounding, HALF_EVEN that of ONNX; TFLITE rounds products alone. Infinities saturate; NaN gives the
    zero point.
    """

    output: QType
    rounding: Rounding = Rounding.HALF_EVEN

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if x.q != F32:
            raise TapeoutError(f"quantize takes float32, got {x.q.code}")
        if self.rounding is Rounding.TFLITE:
            raise TapeoutError("quantize cannot round as TensorFlow Lite rounds products")
        if self.output.bits > 16 or self.output.bipolar:
            raise TapeoutError(f"quantize gives codes of up to 16 bits, bipolar ones by thresholds, got {self.output.code}")
        check_scale("quantize", self.output)
        return (Type(x.shape, self.output),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        assert types[0]
        return (encode(arrays[0], self.output, self.rounding, types[0].shape),)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        q = self.output
        return {"size": types[0].size, "scale": q.scale[0], "zero": q.zero[0], "lo": q.min, "hi": q.max, "rounding": self.rounding}

    def inplace(self, types: Types) -> tuple[int, ...]:
        return (0,) if self.output.dtype.itemsize == 1 else ()  # C lets bytes alone share memory with floats


def check_scale(op: str, q: QType) -> None:
    """Raises TapeoutError unless `q` has one zero point that is a code and one scale that is a normal float32."""
    if len(q.scale) != 1 or len(q.zero) != 1:
        raise TapeoutError(f"{op} takes one scale and zero point for the tensor, got {len(q.scale)} and {len(q.zero)}")
    if not np.finfo(np.float32).tiny <= q.scale[0] <= np.finfo(np.float32).max:
        raise TapeoutError(f"{op} has scale {q.scale[0]}, which is no positive normal float32")
    if not q.min <= q.zero[0] <= q.max:
        raise TapeoutError(f"{op} has zero point {q.zero[0]}, which {q.code} does not hold")
