"""From ranges to integer formats: the formulas of int8 quantization, once.

Activations are affine and weights symmetric, as in TensorFlow Lite's int8 specification
(https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_spec). Scales are exact in float32.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapeout.compiler.fixed import INT32_MAX, Rounding, round_half_away
from tapeout.compiler.ir import Array, QType
from tapeout.compiler.ops.clip import Clip

ROUNDING = Rounding.HALF_UP  # of every requantization: the cheapest on small cores, and without bias but for ties
WEIGHT_MAX = 127  # codes of weights are -127 .. 127, so that a weight and its negative are equally near to a code
_BIAS_MAX = 1 << 30  # leaves half of the accumulator to the products
_SMALLEST_SCALE = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Range:
    """The reals that a tensor is expected to hold; `low` <= 0 <= `high`, so that zero padding and relu are exact."""

    low: float
    high: float

    @classmethod
    def around(cls, low: float, high: float) -> Range:
        """The least range that holds `low`, `high` and 0."""
        return cls(min(low, 0.0), max(high, 0.0))


def activation_type(range: Range, symmetric: bool) -> QType:
    """int8 codes for a range. A range without extent, of a tensor that is 0 throughout, gets scale 1 and zero point 0.

    Asymmetric: 255 steps over the range, and a zero point that is a code, so 0.0 is exact. Symmetric: zero point 0,
    127 steps to the bound that is farther from 0.
    """
    if symmetric:
        scale = _float32(max(-range.low, range.high) / 127)
        return QType(8, True, (scale or 1.0,), (0,))
    scale = _float32((range.high - range.low) / 255)
    if not scale:
        return QType(8, True, (1.0,), (0,))
    zero = -128 + int(np.floor(-range.low / scale + 0.5))
    return QType(8, True, (scale,), (min(zero, 127),))


def codes(x: Array, q: QType) -> Array:
    """The codes of reals: nearest, ties away from zero, saturated; per tensor. Computed in float64."""
    steps = np.clip(np.asarray(x, np.float64) / q.scale[0], q.min - q.zero[0], q.max - q.zero[0])
    found: Array = (round_half_away(steps) + q.zero[0]).astype(q.dtype)
    return found


def bounds(clip: Clip | None, q: QType) -> tuple[int, int]:
    """The least and the greatest code of an activation with a clip in reals, or without one."""
    if clip is None:
        return q.min, q.max
    low, high = codes(np.array([clip.lo, clip.hi]), q)
    return int(low), int(high)


def weight_codes(w: Array, b: Array | None, x_scale: float, axis: int | None) -> tuple[Array, QType]:
    """Weights as codes -127 .. 127 with one scale for each channel of `axis`, or a single one when it is None.

    A channel whose bias is too large for 32 bits at the scale `x_scale` * its weights' gets a larger scale: its weights
    are so small beside the bias that few or none of them matter. An all-zero channel is the extreme case.
    """
    channels = (w.reshape(1, -1) if axis is None else np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1)).astype(np.float64)
    largest = np.abs(channels).max(axis=1, initial=0) / WEIGHT_MAX
    if b is not None:
        room = np.abs(b.astype(np.float64)) / (x_scale * _BIAS_MAX)
        largest = np.maximum(largest, room if axis is not None else room.max(initial=0))
    scale = np.array([_float32(s) or 1.0 for s in largest])
    shape = [1] * w.ndim
    if axis is not None:
        shape[axis] = -1
    found = round_half_away(w.astype(np.float64) / scale.reshape(shape))
    q = QType(8, True, tuple(map(float, scale)), (0,) * len(scale), axis if len(scale) > 1 else None)
    return np.clip(found, -WEIGHT_MAX, WEIGHT_MAX).astype(np.int8), q


def bias_codes(b: Array, x_scale: float, w: QType) -> tuple[Array, QType]:
    """The bias in 32 bits at the scale of the sums, nearest, ties away from zero."""
    scale = x_scale * np.array(w.scale)
    found = round_half_away(b.astype(np.float64) / scale)
    assert np.abs(found).max(initial=0) <= INT32_MAX, "weight_codes leaves room for the bias"
    q = QType(32, True, tuple(map(float, scale)), (0,) * len(scale), 0 if len(scale) > 1 else None)
    return found.astype(np.int32), q


def largest_sum(w: Array, b: Array | None, x: QType, axis: int) -> int:
    """The greatest magnitude that any accumulator can reach, over all codes of the input."""
    reach = max(x.max - x.zero[0], x.zero[0] - x.min)
    sums = np.abs(np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1).astype(np.int64)).sum(axis=1) * reach
    return int((sums if b is None else sums + np.abs(b.astype(np.int64))).max(initial=0))


def _float32(scale: float) -> float:
    """The scale as float32 holds it; 0 for one that float32 does not hold in full precision."""
    return float(np.float32(scale)) if scale >= _SMALLEST_SCALE else 0.0
