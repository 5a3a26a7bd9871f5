"""How kernels walk over tensors of any shape: a few axes, and a step of each operand along each axis."""
from __future__ import annotations

from collections.abc import Sequence
from math import prod

AXES = 5  # what kernels have; longer walks are refused
Axis = tuple[int, ...]  # a length, then the step of each operand in elements


def steps(shape: Sequence[int]) -> tuple[int, ...]:
    """The elements between neighbours along each axis of a dense tensor; 0 along an axis of length 1."""
    return tuple(0 if n == 1 else prod(shape[i + 1 :]) for i, n in enumerate(shape))


def merge(axes: Sequence[Axis], operands: int) -> tuple[tuple[int, ...], ...]:
    """The walk as (lengths, steps of the first operand, ...), each of `AXES` entries.

    Axes of length 1 go, and neighbours that every operand steps through evenly become one, so that a walk
    over whole dense tensors is a single run. Raises ValueError when more than `AXES` are left.
    """
    merged: list[Axis] = []
    for axis in axes:
        if axis[0] == 1:
            continue
        if merged and all(outer == axis[0] * inner for outer, inner in zip(merged[-1][1:], axis[1:], strict=True)):
            axis = (merged.pop()[0] * axis[0], *axis[1:])
        merged.append(axis)
    if len(merged) > AXES:
        raise ValueError(f"a walk over {len(merged)} axes; kernels have {AXES}")
    padded = [(1, *[0] * operands)] * (AXES - len(merged)) + merged
    return tuple(zip(*padded, strict=True))
