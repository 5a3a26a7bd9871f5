"""Thresholds that stand for a monotone function of an integer sum or a float, followed by rounding: found exactly, by bisection."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import Unsupported
from ..fixed import Int
from ..ir import Array

_PROBES = 64  # points of each channel at which the thresholds are compared with the function
_SIGN = np.int64(1) << 31


@dataclass(frozen=True)
class Found:
    """Thresholds (C, K) and the direction (C) of each channel, as `Threshold` takes them."""

    t: Array
    descending: Array


def find(function: Callable[[Int], Int], low: Int, high: Int, levels: int) -> Found:
    """The thresholds of `function`, which gives codes 0 .. `levels` (S, C) for points (S, C) with `low` <= point <= `high` (C).

    Levels out of reach get a threshold beyond the ends. Raises Unsupported when the function turns back somewhere.
    """
    first, last = function(low[np.newaxis])[0], function(high[np.newaxis])[0]
    descending = last < first
    wanted = np.arange(1, levels + 1)[:, np.newaxis]  # (K, 1)
    # The least point that reaches the level, seen from the end where codes are small: distances from there, which ascend.
    span = high - low
    origin, sign = np.where(descending, high, low), np.where(descending, -1, 1)
    under = np.full((levels, len(low)), -1, np.int64)  # does not reach the level
    reached = np.broadcast_to(span + 1, under.shape).copy()  # reaches it, or lies beyond the end
    while (open_ := reached - under > 1).any():
        middle = (reached + under) // 2
        inside = np.clip(middle, 0, span)
        good = function(origin + sign * inside) >= wanted
        reached = np.where(open_ & good, middle, reached)
        under = np.where(open_ & ~good, middle, under)
    t = (origin + sign * reached).T
    _verify(function, low, high, t, descending)
    return Found(t, descending.astype(np.int8))


def _verify(function: Callable[[Int], Int], low: Int, high: Int, t: Int, descending: Array) -> None:
    """Raises Unsupported unless counting thresholds gives the function's codes at points spread over each channel."""
    share = np.linspace(0, 1, _PROBES)[:, np.newaxis]
    points = low + np.floor((high - low) * share).astype(np.int64)
    counts = np.where(descending[:, np.newaxis], points[:, :, np.newaxis] <= t, points[:, :, np.newaxis] >= t).sum(axis=-1)
    wrong = (counts != function(points)).any(axis=0)
    if wrong.any():
        raise Unsupported(f"channel {int(wrong.argmax())} is no monotone function of its sum")


def float_order(x: Array) -> Int:
    """Floats as integers of the same order, so that bisection can walk over them; -0 and +0 are one."""
    bits = (x + np.float32(0)).astype(np.float32).view(np.int32).astype(np.int64)
    return np.asarray(np.where(bits < 0, -(bits & (_SIGN - 1)), bits))


def float_of_order(order: Int) -> Array:
    """The inverse of `float_order`."""
    bits = np.where(order < 0, -order | _SIGN, order).astype(np.uint32)
    return np.asarray(bits.view(np.float32))
