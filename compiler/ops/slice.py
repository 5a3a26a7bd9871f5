"""A part of a tensor, with steps."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..ir import Array, Op, Param, QType, Type, Types
from ..strides import Copy, contiguous


@dataclass(frozen=True)
class Slice(Op):
    """Along each axis the `size` elements `begin`, `begin + stride`, ...; a stride may be negative.

    A part that is `copied` lies in memory of its own, so that it does not keep the rest of the input alive.
    """

    begin: tuple[int, ...]
    size: tuple[int, ...]
    stride: tuple[int, ...]
    copied: bool = False

    def infer(self, types: Types) -> tuple[Type, ...]:
        (x,) = types
        assert x
        if not len(self.begin) == len(self.size) == len(self.stride) == len(x.shape):
            raise TapeoutError(f"slice of {x.dims} takes a begin, size and stride for each axis, got {self}")
        for axis, (begin, size, stride) in enumerate(zip(self.begin, self.size, self.stride, strict=True)):
            last = begin + (size - 1) * stride
            if stride == 0 or size < 1 or not (0 <= begin < x.shape[axis] and 0 <= last < x.shape[axis]):
                raise TapeoutError(f"slice of {x.dims}: axis {axis} has no {size} element(s) from {begin} by {stride}")
        self._copy(x).params()
        return (Type(self.size, x.q),)

    def _copy(self, x: Type) -> Copy:
        strides = contiguous(x.shape)
        steps = tuple(s * stride for s, stride in zip(strides, self.stride, strict=True))
        return Copy(self.size, steps, contiguous(self.size), sum(b * s for b, s in zip(self.begin, strides, strict=True)))

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        x = arrays[0]
        for axis, (begin, size, stride) in enumerate(zip(self.begin, self.size, self.stride, strict=True)):
            x = np.take(x, begin + stride * np.arange(size), axis + 1)
        return (x,)

    def params(self, types: Types) -> dict[str, Param]:
        assert types[0]
        return self._copy(types[0]).params()

    def view(self, types: Types) -> int | None:
        return None if self.copied else self.run(types)

    def run(self, types: Types) -> int | None:
        """The byte of the input at which the part begins, when it is a run of bytes: cut along one axis, before which all have length 1."""
        (x,) = types
        assert x
        cut = [a for a, size in enumerate(self.size) if size != x.shape[a] or self.stride[a] != 1]
        if (isinstance(x.q, QType) and x.q.packed) or len(cut) > 1 or any(self.stride[a] != 1 for a in cut):
            return None
        if any(n > 1 for a in cut for n in x.shape[:a]):
            return None
        return sum(self.begin[a] * contiguous(x.shape)[a] for a in cut) * x.q.dtype.itemsize
