"""Activities divided by their length."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import Unsupported
from ..f32 import root_f32
from ..ir import F32, Array, Op, Param, Type, Types


@dataclass(frozen=True)
class Normalise(Op):
    """Input `x`; output `x / (root_f32(s / size) + epsilon)`, where `s` is the sum of `x * x` from +0 over all elements in order.

    What Forward-Forward (arXiv 2212.13345) hands from layer to layer, so that the goodness of one tells the next nothing.
    """

    epsilon: float = 1e-4

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if x.q != F32:
            raise Unsupported(f"{self.name()} computes in f32, got {x.q.code}")
        return (x,)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        x = arrays[0].reshape(len(arrays[0]), -1)
        total = np.zeros(len(x), np.float32)
        for i in range(x.shape[1]):
            total += x[:, i] * x[:, i]
        length = root_f32(total / np.float32(x.shape[1])) + np.float32(self.epsilon)
        return ((x / length[:, None]).reshape(arrays[0].shape),)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"size": types[0].size, "epsilon": self.epsilon}

    def inplace(self, types: Types) -> tuple[int, ...]:
        return (0,)
