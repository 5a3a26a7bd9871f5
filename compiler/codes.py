"""Reals to codes and back by the formula of `QType`, whatever its granularity, in the precision of the caller's array."""
from __future__ import annotations

import numpy as np

from .errors import TapeoutError
from .fixed import Rounding, round_half_away
from .ir import Array, QType


def spread(entries: tuple[float, ...] | tuple[int, ...], q: QType, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    """The scale or zero point of each element, as an array that broadcasts against a tensor of `shape`."""
    array: Array = np.asarray(entries, dtype)
    if len(entries) == 1 or q.axis is None:
        return np.asarray(array[0]).reshape((1,) * len(shape))
    if q.block is None:
        return array.reshape([-1 if axis == q.axis else 1 for axis in range(len(shape))])
    blocks = array.reshape(shape[0], -1).repeat(q.block, axis=1)[:, : shape[-1]]
    return blocks.reshape(shape[0], *(1,) * (len(shape) - 2), shape[-1])


def round_real(x: Array, rounding: Rounding) -> Array:
    """The nearest whole number of each float in its own format. Raises TapeoutError for TFLITE, which rounds products alone."""
    match rounding:
        case Rounding.HALF_EVEN:
            return np.asarray(np.rint(x))
        case Rounding.HALF_AWAY:
            return round_half_away(x)
        case Rounding.HALF_UP:
            below = np.floor(x)
            return np.asarray(below + (x - below >= x.dtype.type(0.5)))
        case Rounding.FLOOR:
            return np.asarray(np.floor(x))
        case Rounding.TFLITE:
            raise TapeoutError("reals cannot be rounded as TensorFlow Lite rounds products")


def encode(x: Array, q: QType, rounding: Rounding, shape: tuple[int, ...] | None = None) -> Array:
    """The codes of floats: `clip(round(x / scale) + zero)`, NaN as the zero point; bipolar ones are 1 where `x >= 0`.

    All arithmetic is in the format of `x`; `shape` is the tensor's own when `x` has an axis of samples before it.
    """
    if q.bipolar:
        return (x >= 0).astype(q.dtype)
    own = x.shape if shape is None else shape
    scale, zero = spread(q.scale, q, own, x.dtype), spread(q.zero, q, own, x.dtype)
    with np.errstate(all="ignore"):
        steps = x / scale
    steps = np.clip(np.where(np.isnan(steps), x.dtype.type(0), steps), q.min - zero, q.max - zero)
    return np.asarray(round_real(steps, rounding) + zero).astype(q.dtype)


def decode(codes: Array, q: QType, dtype: np.dtype[np.generic], shape: tuple[int, ...] | None = None) -> Array:
    """The reals of codes in a floating format: the exact difference to the zero point times the scale, rounded once."""
    own = codes.shape if shape is None else shape
    scale = spread(q.scale, q, own, dtype)
    if q.bipolar:
        return np.asarray(np.where(codes > 0, scale, -scale))
    zero = spread(q.zero, q, own, np.dtype(np.int64))
    return np.asarray((codes.astype(np.int64) - zero).astype(dtype) * scale)
