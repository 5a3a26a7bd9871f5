"""Activities divided by their length."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..f16 import narrow, widen
from ..f32 import root_f32
from ..gradient import float_format
from ..ir import Array, Op, Param, Type, Types
from .goodness import mean_square


@dataclass(frozen=True)
class Normalise(Op):
    """Input `x`; output `x / (root_f32(s / size) + epsilon)`, where `s` is the sum of `x * x` from +0 over all elements in order.

    In float32; elements of 16 bits are widened, and the result is rounded to their format once. What Forward-Forward (arXiv 2212.13345)
    hands from layer to layer, so that the goodness of one tells the next nothing.
    """

    epsilon: float = 1e-4

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        float_format(self.name(), types)
        return (x,)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        x = widen(arrays[0])
        length = root_f32(mean_square(x)) + np.float32(self.epsilon)
        return (narrow(x / length.reshape(-1, *(1,) * (x.ndim - 1)), float_format(self.name(), types)),)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"size": types[0].size, "epsilon": self.epsilon}

    def inplace(self, types: Types) -> tuple[int, ...]:
        return (0,)
