"""The leaky rectifier on floats."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..ir import Array, Param, Type, Types
from ..unary import Unary


@dataclass(frozen=True)
class LeakyRelu(Unary):
    """`y = alpha * x` where x < 0, else `x`, in float32; `alpha` is rounded to float32."""

    alpha: float = 0.01

    def infer(self, types: Types) -> tuple[Type, ...]:
        if not np.isfinite(np.float32(self.alpha)):
            raise TapeoutError(f"leaky_relu has alpha {self.alpha}, which is no finite float32")
        return super().infer(types)

    def apply(self, x: Array) -> Array:
        return np.where(x < 0, np.float32(self.alpha) * x, x)

    def real(self, x: Array) -> Array:
        return np.where(x < 0, self.alpha * x, x)

    def params(self, types: Types) -> dict[str, Param]:
        return {**super().params(types), "alpha": float(self.alpha)}
