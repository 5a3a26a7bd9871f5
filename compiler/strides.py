"""Data movement as one copy between two strided views, which pad, concat, slice and transpose share."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from .errors import TapeoutError
from .ir import Param

RANK = 5  # loops of the kernel in targets/c/kernels/copy.h


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides, in elements, of a tensor whose last axis is the fastest."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


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

    def merged(self) -> Copy:
        """The same copy with the fewest axes: those of one element left out, those that lie as one in both views joined."""
        axes: list[tuple[int, int, int]] = []
        for size, x, y in zip(self.shape, self.x_stride, self.y_stride, strict=True):
            if size == 1:
                continue
            if axes and axes[-1][1:] == (x * size, y * size):
                size *= axes.pop()[0]
            axes.append((size, x, y))
        shape, x_stride, y_stride = zip(*axes, strict=True) if axes else ((), (), ())
        return Copy(shape, x_stride, y_stride, self.x_offset, self.y_offset)

    def params(self) -> dict[str, Param]:
        """The fields of the kernels' parameter struct, filled up in front to `RANK` axes.

        Raises TapeoutError when more axes than that are left after merging.
        """
        copy = self.merged()
        missing = RANK - len(copy.shape)
        if missing < 0:
            raise TapeoutError(f"moves data along {len(copy.shape)} axes, more than {RANK}")
        return {
            "shape": (1,) * missing + copy.shape,
            "x_stride": (0,) * missing + copy.x_stride,
            "y_stride": (0,) * missing + copy.y_stride,
            "x_offset": copy.x_offset,
            "y_offset": copy.y_offset,
        }
