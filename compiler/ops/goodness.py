"""The goodness of a layer's activities."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import Unsupported
from ..ir import F32, Array, Op, Param, Type, Types


@dataclass(frozen=True)
class Goodness(Op):
    """Input `y`; output (1), the mean of `y * y`, its sum from +0 over all elements in order. Of Forward-Forward (arXiv 2212.13345)."""

    def infer(self, types: Types) -> tuple[Type, ...]:
        (y,) = types
        assert y
        if y.q != F32:
            raise Unsupported(f"{self.name()} computes in f32, got {y.q.code}")
        return (Type((1,), F32),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        y = arrays[0].reshape(len(arrays[0]), -1)
        total = np.zeros(len(y), np.float32)
        for i in range(y.shape[1]):
            total += y[:, i] * y[:, i]
        return ((total / np.float32(y.shape[1]))[:, None],)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"size": types[0].size}
