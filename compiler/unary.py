"""What the functions of one float share. On integer codes each of them is the op `lut`."""
from __future__ import annotations

from abc import abstractmethod

import numpy as np

from .errors import TapeoutError
from .ir import F32, Array, Op, Param, Type, Types


class Unary(Op):
    """`y = f(x)` for each element of a float32 tensor."""

    @abstractmethod
    def apply(self, x: Array) -> Array:
        """The function in float32, each operation rounded in its declared order."""

    @abstractmethod
    def real(self, x: Array) -> Array:
        """The function in float64, from which tables for integer codes are made."""

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if x.q != F32:
            raise TapeoutError(f"{self.name()} takes float32, got {x.q.code}; integer codes take a lut")
        return (x,)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        with np.errstate(all="ignore"):
            return (self.apply(arrays[0]),)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"size": types[0].size}

    def inplace(self, types: Types) -> tuple[int, ...]:
        return (0,)
