"""How kernels walk over tensors of any shape: a few axes, and a stride of each operand along each axis, in elements."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from .errors import TapeoutError
from .ir import Param

AXES = 5  # that the kernels of targets/c/kernels/walk.h and copy.h have
Axis = tuple[int, ...]  # a length, then the stride of each operand


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a tensor whose last axis is the fastest."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def merge(axes: Sequence[Axis], operands: int) -> tuple[tuple[int, ...], ...]:
    """The walk as (lengths, strides of the first operand, ...), each of `AXES` entries, unused axes first.

    Axes of length 1 go, and neighbours that every operand runs through evenly become one, so that a walk over whole
    contiguous tensors is a single run. Raises TapeoutError when more than `AXES` are left.
    """
    merged: list[Axis] = []
    for axis in axes:
        if axis[0] == 1:
            continue
        if merged and all(outer == axis[0] * inner for outer, inner in zip(merged[-1][1:], axis[1:], strict=True)):
            axis = (merged.pop()[0] * axis[0], *axis[1:])
        merged.append(axis)
    if len(merged) > AXES:
        raise TapeoutError(f"takes a walk over {len(merged)} axes, more than {AXES}")
    padded = [(1, *[0] * operands)] * (AXES - len(merged)) + merged
    return tuple(zip(*padded, strict=True))


@dataclass(frozen=True)
class Copy:
    """Element (i0, i1, ...) within `shape` of the source goes to the same element of the destination.

    Strides and offsets count elements; a stride may be negative.
    """

    shape: tuple[int, ...]
    x_stride: tuple[int, ...]
    y_stride: tuple[int, ...]
    x_offset: int = 0
    y_offset: int = 0

    def params(self) -> dict[str, Param]:
        """The fields of the kernels' parameter struct. Raises TapeoutError when the copy takes more than `AXES` axes."""
        shape, x_stride, y_stride = merge(list(zip(self.shape, self.x_stride, self.y_stride, strict=True)), 2)
        return {"shape": shape, "x_stride": x_stride, "y_stride": y_stride, "x_offset": self.x_offset, "y_offset": self.y_offset}
