"""Floats in another format."""
from __future__ import annotations

from dataclasses import dataclass

from ..errors import TapeoutError
from ..f16 import narrow, widen
from ..ir import Array, FType, Op, Param, QType, Type, Types


@dataclass(frozen=True)
class Cast(Op):
    """The elements of `x` in the format `output`: exact, or rounded to nearest even and beyond the largest number to infinity."""

    output: FType

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if isinstance(x.q, QType) or x.q == self.output:
            raise TapeoutError(f"cast takes floats of another format than {self.output.code}, got {x.q.code}")
        return (Type(x.shape, self.output),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        return (narrow(widen(arrays[0]), self.output),)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return {"size": types[0].size}
