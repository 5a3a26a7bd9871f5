"""Tensors one behind the other along an axis."""
from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from math import prod

import numpy as np

from ..errors import TapeoutError
from ..ir import Array, Op, Param, QType, Type, Types

INPUTS = 16  # entries of the kernel's parameter struct


@dataclass(frozen=True)
class Concat(Op):
    """The inputs, all of one format and equal in the other axes, in order along `axis`."""

    axis: int

    def infer(self, types: Types) -> tuple[Type, ...]:
        present = [t for t in types if t]
        if len(present) != len(types) or not 1 <= len(types) <= INPUTS:
            raise TapeoutError(f"concat takes 1 to {INPUTS} inputs, got {len(types)}; join some of them first")
        first = present[0]
        if not 0 <= self.axis < len(first.shape):
            raise TapeoutError(f"concat along axis {self.axis} of {first.dims}")
        for t in present:
            if t.q != first.q:
                raise TapeoutError(f"concat takes inputs of one format, got {first.q} and {t.q}; requantize them first")
            if self._others(t) != self._others(first):
                raise TapeoutError(f"concat along axis {self.axis} of {first.dims} and {t.dims}, which differ in another axis")
        total = sum(t.shape[self.axis] for t in present)
        return (Type((*first.shape[: self.axis], total, *first.shape[self.axis + 1 :]), first.q),)

    def _others(self, t: Type) -> tuple[int, ...]:
        return (len(t.shape), *t.shape[: self.axis], *t.shape[self.axis + 1 :])

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        count = max((len(a) for a, t in zip(arrays, types, strict=True) if t and a.ndim > len(t.shape)), default=1)
        batched = [np.broadcast_to(a, (count, *t.shape)) for a, t in zip(arrays, types, strict=True) if t]
        return (np.concatenate(batched, axis=self.axis + 1),)

    def params(self, types: Types) -> dict[str, Param]:
        """`outer` rows, each of them `inner[i]` elements of every input `i`."""
        present = [t for t in types if t]
        return {
            "inputs": len(present),
            "outer": prod(present[0].shape[: self.axis]),
            "inner": tuple(prod(t.shape[self.axis :]) for t in present),
        }

    def joins(self, types: Types) -> tuple[int, ...] | None:
        present = [t for t in types if t]
        packed = isinstance(present[0].q, QType) and present[0].q.packed
        if packed or prod(present[0].shape[: self.axis]) > 1:
            return None
        return tuple(accumulate((t.bytes for t in present[:-1]), initial=0))
