"""Thresholds: a code that counts how many of a channel's thresholds a value reaches."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..ir import Array, Op, Param, QType, Type, Types


@dataclass(frozen=True)
class Threshold(Op):
    """`y = lo + step * #{k: x >= t[c, k]}`, or `#{k: x <= t[c, k]}` where `descending[c]`, over inputs `x`, `t`, `descending`.

    `t` (C, K) or (1, K) has the format of `x`, 32-bit or 64-bit sums or float32, or 32 bits for codes of 8 or 16, so that it may lie beyond
    all codes; it ascends (descends where `descending`) along K. `descending` (C) or (1) is 0 or 1; channels lie along the last axis. This
    is FINN's MultiThreshold, with a direction, and stands for any monotone function of a sum or a code followed by rounding, exactly.
    After lowering it is the `requant` of the op before it.
    """

    output: QType
    lo: int = 0
    step: int = 1

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, t, descending = types
        assert x and t and descending
        channels = x.shape[-1] if x.shape else 1
        if len(t.shape) != 2 or t.shape[0] not in (1, channels) or descending.shape != t.shape[:1]:
            raise TapeoutError(f"threshold takes t (C, K) and descending (C) for {x.dims}, got {t.dims} and {descending.dims}")
        if descending.q.dtype != np.int8:
            raise TapeoutError(f"threshold takes directions in int8, got {descending.q.code}")
        takes = np.int32 if isinstance(x.q, QType) and x.q.dtype.itemsize < 4 else x.q.dtype
        if t.q.dtype != takes or not self.output.min <= self.lo <= self.lo + self.step * t.shape[1] <= self.output.max:
            raise TapeoutError(f"threshold of {x.q.code} by {t.dims} {t.q.code} does not fit {self.output.code}")
        return (Type(x.shape, self.output),)

    def apply(self, x: Array, t: Array, descending: Array) -> Array:
        """Codes of the output for values `x` (..., channels)."""
        count = np.zeros(x.shape, np.int64)
        for k in range(t.shape[1]):
            count += np.where(descending, x <= t[:, k], x >= t[:, k])
        return (self.lo + self.step * count).astype(self.output.dtype)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        return (self.apply(*arrays),)

    def inplace(self, types: Types) -> tuple[int, ...]:
        return (0,) if self.output.dtype.itemsize == 1 else ()

    def params(self, types: Types) -> dict[str, Param]:
        x, t, _ = types
        assert x and t
        channels = x.shape[-1] if x.shape else 1
        return {"size": x.size, "channels": channels, **self.fields(t)}

    def fields(self, t: Type) -> dict[str, Param]:
        """The fields that every kernel with thresholds has."""
        return {"lo": self.lo, "step": self.step, "levels": t.shape[1], "per_channel": int(t.shape[0] > 1)}
