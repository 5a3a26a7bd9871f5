"""Clipping: relu, relu6 and clip are this op with different bounds."""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..ir import Array, Op, Param, QType, Type, Types


@dataclass(frozen=True)
class Clip(Op):
    """`y = min(max(x, lo), hi)`, on reals for float tensors and on codes for integer ones.

    On floats a NaN stays NaN, and of two zeros that compare equal the input's is kept.
    """

    lo: float = -math.inf
    hi: float = math.inf

    def infer(self, types: Types) -> tuple[Type, ...]:
        assert types[0]
        if not self.lo <= self.hi:
            raise TapeoutError(f"clip has bounds {self.lo} .. {self.hi}, which hold nothing")
        return (types[0],)

    def apply(self, x: Array) -> Array:
        lo, hi = x.dtype.type(self.lo), x.dtype.type(self.hi)
        x = np.where(x < lo, lo, x)
        return np.where(x > hi, hi, x)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        return (self.apply(arrays[0]),)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"size": types[0].size, **self.fields(types[0])}

    def fields(self, x: Type) -> dict[str, Param]:
        """The bounds, as codes for an integer tensor; every float kernel with a fused clip has them."""
        if isinstance(x.q, QType):
            return {"lo": int(self.lo), "hi": int(self.hi)}
        return {"lo": float(self.lo), "hi": float(self.hi)}

    def inplace(self, types: Types) -> tuple[int, ...]:
        return (0,)
