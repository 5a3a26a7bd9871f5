"""The axes of a tensor in another order."""
from __future__ import annotations

from dataclasses import dataclass

from ..errors import TapeoutError
from ..ir import Array, Op, Param, Type, Types
from ..strides import Copy, contiguous


@dataclass(frozen=True)
class Transpose(Op):
    """Axis `i` of the output is axis `perm[i]` of `x`."""

    perm: tuple[int, ...]

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if sorted(self.perm) != list(range(len(x.shape))):
            raise TapeoutError(f"transpose of {x.dims} by {list(self.perm)}, which is no order of its axes")
        self._copy(x).params()
        return (Type(tuple(x.shape[axis] for axis in self.perm), x.q),)

    def _copy(self, x: Type) -> Copy:
        shape, strides = tuple(x.shape[axis] for axis in self.perm), contiguous(x.shape)
        return Copy(shape, tuple(strides[axis] for axis in self.perm), contiguous(shape))

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        return (arrays[0].transpose(0, *(axis + 1 for axis in self.perm)),)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return self._copy(types[0]).params()
