"""Clipping: relu, relu6 and clip are this op with different bounds."""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow, widen
from ..ir import Array, FType, Op, Param, QType, Type, Types


@dataclass(frozen=True)
class Clip(Op):
    """`y = min(max(x, lo), hi)`, on reals for float tensors and on codes for integer ones.

    On floats a NaN stays NaN, and of two zeros that compare equal the input's is kept; bounds are float32. On codes a bound
    is a whole number or infinite, and one beyond the codes of the type does nothing.
    """

    lo: float = -math.inf
    hi: float = math.inf

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if not self.lo <= self.hi:
            raise TapeoutError(f"clip has bounds {self.lo} .. {self.hi}, which hold nothing")
        if isinstance(x.q, QType):
            if any(math.isfinite(bound) and bound != int(bound) for bound in (self.lo, self.hi)):
                raise TapeoutError(f"clip of {x.q.code} codes has bounds {self.lo} .. {self.hi}, which are no codes")
            if self.lo > x.q.max or self.hi < x.q.min:
                raise TapeoutError(f"clip to {self.lo} .. {self.hi} leaves no code of {x.q.code}")
        return (x,)

    def apply(self, x: Array) -> Array:
        """Clips floats, or codes whose bounds fit their array's type."""
        lo, hi = x.dtype.type(self.lo), x.dtype.type(self.hi)
        x = np.where(x < lo, lo, x)
        return np.where(x > hi, hi, x)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        assert types[0]
        if isinstance(types[0].q, FType):
            return (narrow(self.apply(widen(arrays[0])), types[0].q),)
        fields = self.fields(types[0])
        return (Clip(fields["lo"], fields["hi"]).apply(arrays[0]),)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"size": types[0].size, **self.fields(types[0])}

    def fields(self, x: Type) -> dict[str, float]:
        """The bounds, as codes for an integer tensor; every float kernel with a fused clip has them."""
        if isinstance(x.q, QType):
            return {"lo": int(max(self.lo, x.q.min)), "hi": int(min(self.hi, x.q.max))}
        return {"lo": float(self.lo), "hi": float(self.hi)}

    def inplace(self, types: Types) -> tuple[int, ...]:
        return (0,)
