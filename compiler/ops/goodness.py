"""The goodness of a layer's activities."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..f16 import widen
from ..gradient import float_format
from ..ir import F32, Array, Op, Param, Type, Types


@dataclass(frozen=True)
class Goodness(Op):
    """Input `y`; output float32 (1), the mean of `y * y`, its sum from +0 over all elements in order. Elements of 16 bits are widened.

    Of Forward-Forward (arXiv 2212.13345), where it is the sum.
    """

    def infer(self, types: Types) -> tuple[Type, ...]:
        float_format(self.name(), types)
        return (Type((1,), F32),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        return (mean_square(arrays[0])[:, None],)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"size": types[0].size}


def mean_square(x: Array) -> Array:
    """The mean (N) of the squares of samples (N, ...) in float32, their sum from +0 in order, as NumPy's accumulate adds."""
    rows = widen(x).reshape(len(x), -1)
    with np.errstate(over="ignore", invalid="ignore"):
        mean: Array = np.add.accumulate(rows * rows, axis=1)[:, -1] / np.float32(rows.shape[1])
    return mean
