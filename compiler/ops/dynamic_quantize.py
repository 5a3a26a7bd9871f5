"""Floats to integer codes whose scale and zero point follow from the tensor's own extremes, each time it runs."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..codes import encode
from ..errors import TapeoutError
from ..fixed import Rounding
from ..ir import F32, Array, Op, Param, QType, Type, Types
from .fake_quantize import FakeQuantize, dynamic_format


@dataclass(frozen=True)
class DynamicQuantize(Op):
    """Input `x` float32; outputs the codes, their scale (1) in float32 and their zero point (1) in 32 bits.

    `format` is a `fake_quantize` with `dynamic` set, whose numbers these are; see `dynamic_format`. The codes' type has scale 1 and
    zero point 0, since the real ones are values. All arithmetic is float32, each operation rounded.
    """

    format: FakeQuantize

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        q = self.format.output
        if x.q != F32 or not isinstance(q, QType) or q.bipolar or len(q.scale) != 1:
            raise TapeoutError(f"dynamic_quantize takes float32 to integer codes with one scale, got {x.q.code} to {q.code}")
        if self.format.rounding is Rounding.TFLITE:
            raise TapeoutError("dynamic_quantize cannot round as TensorFlow Lite rounds products")
        codes = QType(q.bits, q.signed, narrow=q.narrow)
        return Type(x.shape, codes), Type((1,), F32), Type((1,), QType(32))

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        (x,) = arrays
        formats = [dynamic_format(self.format, float(row.min(initial=0)), float(row.max(initial=0))) for row in x]
        codes = np.stack([encode(row, q, self.format.rounding) for row, q in zip(x, formats, strict=True)])
        scales = np.array([q.scale for q in formats], np.float32)
        return codes, scales, np.array([q.zero for q in formats], np.int32)

    def params(self, types: Types) -> dict[str, Param]:
        (x,) = types
        q = self.format.output
        assert x and isinstance(q, QType)
        return {
            "size": x.size, "lo": q.min, "hi": q.max, "is_signed": int(q.signed), "symmetric": int(q.zero[0] == 0),
            "power_of_two": int(self.format.power_of_two), "rounding": self.format.rounding,
        }  # fmt: skip
