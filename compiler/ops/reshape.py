"""Another shape for the same elements: flatten, squeeze and expand are this op too."""
from __future__ import annotations

from dataclasses import dataclass
from math import prod

from ..errors import TapeoutError
from ..ir import Array, Op, QType, Type, Types


@dataclass(frozen=True)
class Reshape(Op):
    """The elements of `x` in their order, under `shape`, every dimension of which is given.

    The bytes stay, so that rows of packed codes must end with bytes unless their length stays too.
    """

    shape: tuple[int, ...]

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if any(d < 0 for d in self.shape) or prod(self.shape) != x.size:
            raise TapeoutError(f"reshape of {x.dims} to {list(self.shape)} changes the number of elements")
        rows = {t[-1] if t else 1 for t in (x.shape, self.shape)}
        if isinstance(x.q, QType) and x.q.packed and len(rows) > 1 and any(row * x.q.bits % 8 for row in rows):
            raise TapeoutError(f"reshape of packed {x.q.code} {x.dims} to {list(self.shape)} moves bits within bytes")
        return (Type(self.shape, x.q),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        return (arrays[0].reshape(len(arrays[0]), *self.shape),)

    def view(self, types: Types) -> int | None:
        return 0
