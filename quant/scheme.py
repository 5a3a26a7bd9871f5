"""From ranges and weights to formats: the formulas of quantization, once.

Eight bits are those of TensorFlow Lite's int8 specification
(https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_spec). Scales are exact in float32.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapeout.compiler.codes import decode, encode
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.fixed import Rounding, multiplier
from tapeout.compiler.ir import Array, FType, QType

from .recipe import Encoding, Granularity, ScaleKind, TensorRecipe

DYADIC_BITS = 15  # of the multiplier of a dyadic ratio, so that products with sums of 32 bits are exact in float64
_BIAS_MAX = 1 << 30  # leaves half of the accumulator to the products
_SMALLEST_SCALE = float(np.finfo(np.float32).tiny)
_CLIPS = np.linspace(1.0, 0.3, 36)  # shares of the extreme tried as the bound of weights of few bits


@dataclass(frozen=True)
class Range:
    """The reals that a tensor is expected to hold; `low` <= 0 <= `high`, so that zero padding and relu are exact."""

    low: float
    high: float

    @classmethod
    def around(cls, low: float, high: float) -> Range:
        """The least range that holds `low`, `high` and 0."""
        return cls(min(low, 0.0), max(high, 0.0))


def activation_format(range: Range, recipe: TensorRecipe) -> QType | FType:
    """The format of an activation with one scale. A range without extent, of a tensor that is 0 throughout, gets scale 1 and zero point 0.

    Asymmetric: all codes over the range, and a zero point that is a code, so 0.0 is exact. Symmetric: zero point 0 and the largest code at
    the bound that is farther from 0, unsigned when the recipe allows it and the range holds nothing negative. Dynamic formats have
    scale 1, and as zero point the least code when they are asymmetric.
    """
    match recipe.encoding:
        case Encoding.F32 | Encoding.F16 | Encoding.BF16:
            return FType(recipe.encoding.value)
        case Encoding.BINARY:
            return QType(1, bipolar=True)
        case Encoding.BIPER:
            raise TapeoutError("encoding biper is one of weights; binary activations are encoding = \"binary\"")
    bits = 2 if recipe.encoding is Encoding.TERNARY else recipe.bits
    narrow = recipe.encoding is Encoding.TERNARY
    signed = recipe.signed or not recipe.symmetric or range.low < 0
    q = QType(bits, signed, narrow=narrow)
    if recipe.integer_bits is not None:
        return QType(bits, signed, (2.0 ** (recipe.integer_bits - bits),), narrow=narrow)
    if recipe.dynamic:
        return QType(bits, signed, zero=(0 if recipe.symmetric else q.min,), narrow=narrow)
    extent, steps = (max(-range.low, range.high), q.max) if recipe.symmetric else (range.high - range.low, q.max - q.min)
    scale = representable(extent / steps, recipe.scale)
    if not scale:
        return q
    zero = 0 if recipe.symmetric else min(q.min + int(np.floor(-range.low / scale + 0.5)), q.max)
    return QType(bits, signed, (scale,), (zero,), narrow=narrow)


def representable(scale: float, kind: ScaleKind) -> float:
    """The scale as float32 holds it, or the least power of two that is no smaller; 0 for one below the normal float32."""
    if scale < _SMALLEST_SCALE:
        return 0.0
    if kind is ScaleKind.POWER_OF_TWO:
        return float(2.0 ** np.ceil(np.log2(scale)))
    return float(np.float32(scale))


def weight_format(w: Array, recipe: TensorRecipe, axis: int, b: Array | None = None, x_scale: float = 1.0) -> QType | FType:
    """The format of weights whose output channels lie along `axis`; symmetric, but for one scale and zero point for the whole tensor.

    Eight bits and more reach to the largest weight, fewer to the bound that gives the least squared error. With a bias `b`, a channel
    whose bias is too large for 32 bits at the scale of the sums gets a larger scale: its weights are so small beside the bias that few or
    none of them matter; an all-zero channel is the extreme case.
    """
    if recipe.encoding in (Encoding.F32, Encoding.F16, Encoding.BF16):
        return FType(recipe.encoding.value)
    rows, layout = _rows(w.astype(np.float64), recipe, axis)
    if recipe.encoding in (Encoding.BINARY, Encoding.BIPER):
        scale = [representable(float(np.abs(row).mean()), recipe.scale) or 1.0 for row in rows]
        return QType(1, True, tuple(scale), (0,) * len(scale), layout.axis, layout.block, bipolar=True)
    bits = 2 if recipe.encoding is Encoding.TERNARY else recipe.bits
    if recipe.integer_bits is not None:
        return QType(bits, True, (2.0 ** (recipe.integer_bits - bits),))
    if not recipe.symmetric:
        if recipe.granularity is not Granularity.TENSOR:
            raise TapeoutError("weights with a zero point have one for the whole tensor: granularity = \"tensor\", or symmetric = true")
        return activation_format(Range.around(float(w.min(initial=0)), float(w.max(initial=0))), recipe)
    narrow = bits > 2 or recipe.encoding is Encoding.TERNARY
    largest = QType(bits, narrow=narrow).max
    scales = np.array([_scale(row, bits, narrow, largest, recipe.scale) for row in rows])
    if b is not None and layout.block is None:
        room = np.abs(b.astype(np.float64)) / (x_scale * _BIAS_MAX)
        room = room if len(scales) > 1 else room.max(initial=0, keepdims=True)
        scales = np.where(room > scales, [representable(float(r), recipe.scale) for r in room], scales)
    entries = tuple(float(s) or 1.0 for s in scales)
    return QType(bits, True, entries, (0,) * len(entries), layout.axis, layout.block, narrow=narrow)


@dataclass(frozen=True)
class _Layout:
    axis: int | None
    block: int | None = None


def _rows(w: Array, recipe: TensorRecipe, axis: int) -> tuple[list[Array], _Layout]:
    """The weights that share a scale, in the order of the scales."""
    if recipe.granularity is Granularity.TENSOR or w.shape[axis] == 1:
        return [w.reshape(-1)], _Layout(None)
    grouped = recipe.granularity is Granularity.GROUP and axis == 0 and recipe.group < w.shape[-1]
    if not grouped:
        return list(np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1)), _Layout(axis)
    starts = range(0, w.shape[-1], recipe.group)
    return [channel[..., s : s + recipe.group].reshape(-1) for channel in w for s in starts], _Layout(0, recipe.group)


def _scale(row: Array, bits: int, narrow: bool, largest: int, kind: ScaleKind) -> float:
    """The scale of symmetric weights; 0 when float32 does not hold one."""
    extreme = float(np.abs(row).max(initial=0))
    full = representable(extreme / largest, kind)
    if not full or (bits >= 8 and kind is not ScaleKind.POWER_OF_TWO):
        return full
    if kind is ScaleKind.POWER_OF_TWO:
        tried = [full / 2**n for n in range(4 if bits < 8 else 1)]
    else:
        tried = [float(np.float32(extreme * c / (largest + (not narrow) * 0.5))) for c in _CLIPS]
    errors = []
    for scale in tried:
        q = QType(bits, True, (scale,), narrow=narrow)
        errors.append(float(((decode(encode(row, q, Rounding.HALF_AWAY), q, row.dtype) - row) ** 2).sum()))
    return float(tried[int(np.argmin(errors))])


def dyadic(q: QType, x_scale: float, y_scale: float) -> QType:
    """Weights whose scales are moved so that each `x_scale * scale / y_scale` is m / 2**s, m of `DYADIC_BITS` bits."""
    moved = []
    for scale in q.scale:
        mul, shift = multiplier(x_scale * scale / y_scale, DYADIC_BITS)
        moved.append(mul / 2.0**shift * y_scale / x_scale if mul else scale)
    return QType(q.bits, q.signed, tuple(moved), q.zero, q.axis, q.block, q.narrow, q.bipolar)


def bias_format(x_scale: float, w: QType, channels: int, bits: int) -> QType:
    """The bias of so many channels at the scale of the sums; where weights have blocks, at that of the first of each channel."""
    scales = w.scale[:: max(1, len(w.scale) // channels)]
    return QType(bits, True, tuple(float(np.float32(x_scale * s)) for s in scales), (0,) * len(scales), 0 if len(scales) > 1 else None)
