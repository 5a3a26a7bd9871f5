"""Walks over the axes of a tensor, merged to as few as modules of axes have."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tapeout.compiler.errors import Unsupported

AXES = 3  # of pad.sv and slice.sv


@dataclass(frozen=True)
class Axis:
    """`size` elements of `length`: `first`, `first + stride`, ..."""

    length: int
    first: int
    stride: int
    size: int

    @property
    def whole(self) -> bool:
        return self.size == self.length

    @property
    def last(self) -> int:
        return self.first + (self.size - 1) * self.stride

    def within(self, inner: Axis) -> Axis | None:
        """Both axes as one, when the inner one is whole and this one has no gaps."""
        if not inner.whole or (self.stride != 1 and self.size > 1):
            return None
        n = inner.length
        return Axis(self.length * n, self.first * n, 1, self.size * n)


def merged(node: str, axes: Sequence[Axis]) -> list[Axis]:
    """The same walk over `AXES` axes. Raises Unsupported for a walk that takes more."""
    found: list[Axis] = []
    for axis in axes:
        joined = found[-1].within(axis) if found else None
        if joined:
            found[-1] = joined
        elif axis.length > 1:
            found.append(axis)
    if len(found) > AXES:
        raise Unsupported(f"{node}: target rtl walks over {AXES} axes that are cut or padded, not {len(found)}; take one after the other")
    return [Axis(1, 0, 1, 1)] * (AXES - len(found)) + found


def in_beats(axes: Sequence[Axis], lanes: int) -> list[Axis]:
    """The walk with the last axis in beats."""
    inner = axes[-1]
    return [*axes[:-1], Axis(inner.length // lanes, inner.first // lanes, inner.stride, inner.size // lanes)]
