"""Floats to the codes of a threshold and back: what `threshold` does to a tensor, told in floats."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..codes import decode
from ..errors import TapeoutError
from ..fixed import Int
from ..ir import F32, Array, Op, QType, Type, Types


@dataclass(frozen=True)
class FakeThreshold(Op):
    """`y = (lo + step * #{k: x >= t[c, k]} - zero) * scale` in float32, the format being `output`; bipolar: a code of 1 is scale, 0 -scale.

    Inputs `x` (..., C) and `t` (C, K) or (1, K), ascending along K. This is MultiThreshold of FINN and QONNX. The pass `make_integer`
    replaces these nodes, and no target has a kernel for them.
    """

    output: QType
    lo: int = 0
    step: int = 1

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, t = types
        assert x and t
        if x.q != F32 or t.q != F32:
            raise TapeoutError(f"fake_threshold takes float32, got {x.q.code} and {t.q.code}")
        if len(t.shape) != 2 or not x.shape or t.shape[0] not in (1, x.shape[-1]):
            raise TapeoutError(f"fake_threshold takes t (C, K) for {x.dims}, got {t.dims}")
        if not self.output.min <= self.lo <= self.lo + self.step * t.shape[1] <= self.output.max:
            raise TapeoutError(f"fake_threshold of {t.shape[1]} thresholds does not fit {self.output.code}")
        return (x,)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        x, t = arrays
        codes = (self.lo + self.step * counted(x, t.reshape(t.shape[-2:]))).astype(self.output.dtype)
        return (decode(codes, self.output, x.dtype, codes.shape),)


def counted(x: Array, t: Array) -> Int:
    """How many thresholds (C, K) or (1, K) each element (..., C) reaches."""
    count = np.zeros(x.shape, np.int64)
    for k in range(t.shape[1]):
        count += x >= t[:, k]
    return count
