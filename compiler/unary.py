"""What the functions of one float share. On integer codes each of them is the op `lut`."""
from __future__ import annotations

from abc import abstractmethod

import numpy as np

from .errors import TapeoutError
from .f16 import narrow, widen
from .ir import Array, FType, Op, Param, QType, Type, Types


class Unary(Op):
    """`y = f(x)` for each element of a float tensor, computed in float32; see `compiler/f16.py` for other formats."""

    @abstractmethod
    def apply(self, x: Array) -> Array:
        """The function in float32, each operation rounded in its declared order."""

    @abstractmethod
    def real(self, x: Array) -> Array:
        """The function in float64, from which tables for integer codes are made."""

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if isinstance(x.q, QType):
            raise TapeoutError(f"{self.name()} takes floats, got {x.q.code}; integer codes take a lut")
        return (x,)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        assert types[0] and isinstance(types[0].q, FType)
        with np.errstate(all="ignore"):
            return (narrow(self.apply(widen(arrays[0])), types[0].q),)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"size": types[0].size}

    def inplace(self, types: Types) -> tuple[int, ...]:
        return (0,)
