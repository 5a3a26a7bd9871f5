"""A constant around a tensor."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..ir import Array, Op, Param, QType, Type, Types
from ..strides import Copy, contiguous


@dataclass(frozen=True)
class Pad(Op):
    """`x` with `before[i]` elements before and `after[i]` behind it along axis `i`, all of them `value`.

    `value` is a code for an integer tensor (its zero point where the source pads with zero), else a float.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    value: float

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if not len(self.before) == len(self.after) == len(x.shape):
            raise TapeoutError(f"pad of {x.dims} takes two counts for each axis, got {self.before} and {self.after}")
        if min((*self.before, *self.after), default=0) < 0:
            raise TapeoutError(f"pad takes no negative counts, got {self.before} and {self.after}; a slice removes elements")
        if isinstance(x.q, QType) and not (x.q.min <= self.value <= x.q.max and self.value == int(self.value)):
            raise TapeoutError(f"pad has value {self.value}, which is no code of {x.q.code}")
        self._copy(x).params()
        return (Type(self._shape(x), x.q),)

    def _shape(self, x: Type) -> tuple[int, ...]:
        return tuple(b + size + a for b, size, a in zip(self.before, x.shape, self.after, strict=True))

    def _copy(self, x: Type) -> Copy:
        strides = contiguous(self._shape(x))
        return Copy(x.shape, contiguous(x.shape), strides, 0, sum(b * s for b, s in zip(self.before, strides, strict=True)))

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        widths = [(0, 0), *zip(self.before, self.after, strict=True)]
        return (np.pad(arrays[0], widths, constant_values=arrays[0].dtype.type(self.value)),)

    def params(self, types: Types) -> dict[str, Param]:
        (x,) = types
        assert x
        (y,) = self.infer(types)
        value = int(self.value) if isinstance(x.q, QType) else float(self.value)
        return {"size": y.size, "value": value, **self._copy(x).params()}
