"""Mean over axes."""
from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from ..errors import TapeoutError
from ..f16 import narrow, widen
from ..fixed import multiplier
from ..ir import Array, FType, Op, Param, QType, Type, Types
from ..strides import contiguous, merge
from .requant import Requant


@dataclass(frozen=True)
class Mean(Op):
    """Inputs `x`, for codes also `mul` and `shift` of one entry; output `x` without `axes`, or with 1 there for `keepdims`.

    Integers: `sum(x - x_zero)` in 32 bits, exact, then `requant`, whose multiplier holds the division: see `mean_multiplier`.
    floats: the sum runs from +0 in float32 over the reduced elements as they lie in memory, then one division.
    """

    axes: tuple[int, ...]
    keepdims: bool = False
    requant: Requant | None = None

    def infer(self, types: Types) -> tuple[Type, ...]:
        x = types[0]
        assert x
        if not self.axes or sorted(set(self.axes)) != list(self.axes) or not 0 <= self.axes[0] <= self.axes[-1] < len(x.shape):
            raise TapeoutError(f"mean over axes {self.axes} of {x.dims}; axes count from 0, in ascending order")
        kept = tuple(1 if i in self.axes else n for i, n in enumerate(x.shape) if self.keepdims or i not in self.axes)
        self._walks(x)
        if isinstance(x.q, FType):
            return (Type(kept, x.q),)
        if self.requant is None or len(types) != 3 or types[1] is None or types[1].size != 1:
            raise TapeoutError("mean of integer codes takes a requant with one multiplier and one shift")
        return self.requant.infer((Type(kept, QType(32)), *types[1:]))

    def count(self, x: Type) -> int:
        """The number of elements that one mean reduces."""
        return prod(x.shape[a] for a in self.axes)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        x_type, x = types[0], arrays[0]
        (y,) = self.infer(types)
        assert x_type
        axes = tuple(a + 1 for a in self.axes)
        if isinstance(x_type.q, QType):
            assert self.requant
            sums = x.sum(axis=axes, dtype=np.int64) - self.count(x_type) * x_type.q.zero[0]
            return (self.requant.apply(sums.reshape(len(x), *y.shape), *arrays[1:]),)
        last = np.moveaxis(x, axes, range(-len(axes), 0))
        elements = last.reshape(*last.shape[: -len(axes)], -1)
        total = np.zeros(elements.shape[:-1], np.float32)
        for i in range(elements.shape[-1]):
            total += widen(elements[..., i])
        return (narrow(total / np.float32(self.count(x_type)), x_type.q).reshape(len(x), *y.shape),)

    def params(self, types: Types) -> dict[str, Param]:
        x = types[0]
        assert x
        kept, reduced = self._walks(x)
        walks: dict[str, Param] = {
            "kept_shape": kept[0], "kept_stride": kept[1], "reduced_shape": reduced[0], "reduced_stride": reduced[1],
        }  # fmt: skip
        if self.requant is None:
            return {**walks, "count": self.count(x)}
        return {**walks, "x_zero": x.quantized.zero[0], **self.requant.fields()}

    def _walks(self, x: Type) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
        """The walks over the axes that stay and over those that go."""
        axes = list(zip(x.shape, contiguous(x.shape), strict=True))
        kept, reduced = (merge([a for i, a in enumerate(axes) if (i in self.axes) == goes], 1) for goes in (False, True))
        return kept, reduced


def mean_multiplier(real: float, count: int) -> tuple[int, int]:
    """(mul, shift) for sums of `count` elements: `mul / 2**shift` is about `real / count`.

    As TensorFlow Lite's MEAN (reference/reduce.h): the multiplier of `real` is shifted to the left as far as 64 bits
    and the shift allow, and divided by the count, which truncates. Raises ValueError as `multiplier`.
    """
    mul, shift = multiplier(real)
    left = min(count.bit_length() - 1, 32, 62 - shift)
    return (mul << left) // count, shift + left
