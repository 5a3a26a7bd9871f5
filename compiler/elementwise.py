"""What the ops on two tensors share: broadcasting, and the scaling of integer sums."""
from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from .errors import TapeoutError
from .f16 import narrow, widen
from .fixed import Int, Rounding, multiplier, requantize
from .ir import Array, FType, Op, Param, QType, Type, Types
from .ops.clip import Clip
from .strides import AXES, contiguous, merge

Factor = tuple[int, int]  # (mul, shift): mul / 2**shift


_TOO_FINE = "sums leave 32 bits: the output's scale is too small for its inputs'; calibrate with samples for which they do not cancel"


@dataclass(frozen=True)
class SumScaling:
    """How codes of two scales are added: `round_out(round_x((x - x_zero) << left) + round_y((y - y_zero) << left)) + zero`,
    or subtracted, with a minus between the two inner roundings.

    `x`, `y` and `out` are the factors of the three roundings, which follow one rule; the result is clipped to `lo` .. `hi`.
    """

    output: QType
    x: Factor
    y: Factor
    out: Factor
    rounding: Rounding = Rounding.HALF_UP
    lo: int = -128
    hi: int = 127
    left: int = 20

    @classmethod
    def of(cls, x: QType, y: QType, output: QType, rounding: Rounding = Rounding.HALF_UP, lo: int = -128, hi: int = 127) -> SumScaling:
        """The scaling of TensorFlow Lite's ADD and SUB: both operands to twice the larger scale, with 20 bits of fraction, or 15 of codes
        of 16 bits.

        Raises TapeoutError when the output's scale is too small for 32-bit sums.
        """
        reach = max(max(q.max - q.zero[0], q.zero[0] - q.min) for q in (x, y))
        left = min(20, 30 - (reach - 1).bit_length())
        twice = 2 * max(x.scale[0], y.scale[0])
        try:
            x_factor, y_factor = multiplier(x.scale[0] / twice), multiplier(y.scale[0] / twice)
            out_factor = multiplier(twice / ((1 << left) * output.scale[0]))
        except ValueError as error:
            raise TapeoutError(f"scales {x.scale[0]} and {y.scale[0]} cannot be added into {output.scale[0]}: {error}") from None
        return cls(output, x_factor, y_factor, out_factor, rounding, lo, hi, left)

    def check(self, x: QType, y: QType) -> None:
        """Raises TapeoutError when a sum of codes of `x` and `y` can leave 32 bits on the way."""
        if len({x.storage, y.storage, self.output.storage}) > 1:
            held = f"{x.storage} and {y.storage} added into {self.output.storage}"
            raise TapeoutError(f"codes held as {held}: kernels of additions take one width; quantize operands and sum alike")
        total = 0
        for q, factor in ((x, self.x), (y, self.y)):
            if q.bits > 31 - self.left:
                raise TapeoutError(f"sums leave 32 bits: additions take codes of at most {31 - self.left} bits, not {q.code}")
            total += _scaled_bound(max(q.max - q.zero[0], q.zero[0] - q.min) << self.left, factor, self.rounding)
        if _scaled_bound(total, self.out, self.rounding) + (1 << 16) >= 1 << 31:
            raise TapeoutError(_TOO_FINE)

    def scaled(self, x: Int, zero: int, factor: Factor) -> Int:
        """An operand at the common scale."""
        return requantize((x.astype(np.int64) - zero) << self.left, *factor, self.rounding)

    def finish(self, total: Int) -> Array:
        """The output's codes for a sum at the common scale."""
        y = requantize(total, *self.out, self.rounding) + self.output.zero[0]
        return np.clip(y, self.lo, self.hi).astype(self.output.dtype)

    def fields(self, x: QType, y: QType) -> dict[str, Param]:
        """The kernel's fields."""
        return {
            "x_zero": x.zero[0], "x_mul": self.x[0], "x_shift": self.x[1],
            "y_zero": y.zero[0], "y_mul": self.y[0], "y_shift": self.y[1],
            "left": self.left, "out_mul": self.out[0], "out_shift": self.out[1],
            "out_zero": self.output.zero[0], "lo": self.lo, "hi": self.hi, "rounding": self.rounding,
        }  # fmt: skip


def _scaled_bound(bound: int, factor: Factor, rounding: Rounding) -> int:
    """The largest result of `requantize` for |x| <= `bound`. Raises TapeoutError when its 32-bit input overflows."""
    mul, shift = factor
    if bound << (max(31 - shift, 0) if rounding is Rounding.TFLITE else 0) >= 1 << 31:
        raise TapeoutError(_TOO_FINE)
    return (bound * mul >> shift) + 1


def broadcast_shape(types: Types) -> tuple[int, ...]:
    """The shape of an elementwise result of the first two types, as NumPy broadcasts them. Raises TapeoutError when they do not fit."""
    x, y = types[:2]
    assert x and y
    try:
        shape = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        raise TapeoutError(f"{x.dims} and {y.dims} do not broadcast") from None
    if len(shape) > AXES:
        raise TapeoutError(f"elementwise ops take tensors of up to {AXES} axes, got {x.dims} and {y.dims}")
    if (isinstance(x.q, FType) or isinstance(y.q, FType)) and x.q != y.q:
        raise TapeoutError(f"operands are {x.q.code} and {y.q.code}, which one kernel does not mix")
    return tuple(int(n) for n in shape)


def aligned(array: Array, type: Type, rank: int) -> Array:
    """An operand with axes of length 1 put before its own shape, so that its sample axis, if any, comes first."""
    missing = (1,) * (rank - len(type.shape))
    samples = array.shape[: array.ndim - len(type.shape)]
    return array.reshape((*samples, *missing, *type.shape))


def broadcast_fields(types: Types) -> dict[str, Param]:
    """The kernel's walk over the result: its `shape`, and the stride of each operand along each axis."""
    result = broadcast_shape(types)
    operands = [_broadcast_strides(t.shape, len(result)) for t in types[:2] if t]
    shape, x_stride, y_stride = merge(list(zip(result, *operands, strict=True)), 2)
    return {"shape": shape, "x_stride": x_stride, "y_stride": y_stride}


def _broadcast_strides(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """The strides of an operand seen with `rank` axes; 0 along an axis of length 1, which stands for every element there."""
    padded = (1,) * (rank - len(shape)) + shape
    return tuple(0 if n == 1 else stride for n, stride in zip(padded, contiguous(padded), strict=True))


def overwritable(types: Types, output: Type) -> tuple[int, ...]:
    """The operands that the output may overwrite: those of its shape and width."""
    return tuple(i for i, t in enumerate(types[:2]) if t and t.shape == output.shape and t.bytes == output.bytes)


@dataclass(frozen=True)
class Sum(Op):
    """What add and sub share. Integer codes follow `scaling`, as in TensorFlow Lite.

    float32: one rounded addition or subtraction, then `clip` if there; 16-bit floats by way of float32, see `compiler/f16.py`.
    """

    scaling: SumScaling | None = None
    clip: Clip | None = None

    @abstractmethod
    def combine(self, x: Array, y: Array) -> Array:
        """The sum or difference of operands of one scale."""

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, y = types
        assert x and y
        shape = broadcast_shape(types)
        if isinstance(x.q, FType):
            return (Type(shape, x.q),)
        if self.scaling is None:
            raise TapeoutError(f"{self.name()} of integer codes takes a scaling")
        self.scaling.check(x.q, y.quantized)
        return (Type(shape, self.scaling.output),)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        (out,) = self.infer(types)
        x_type, y_type = types
        assert x_type and y_type
        x, y = aligned(arrays[0], x_type, len(out.shape)), aligned(arrays[1], y_type, len(out.shape))
        if isinstance(x_type.q, FType):
            total = self.combine(widen(x), widen(y))
            return (narrow(self.clip.apply(total) if self.clip else total, x_type.q),)
        s = self.scaling
        assert s
        total = self.combine(s.scaled(x, x_type.quantized.zero[0], s.x), s.scaled(y, y_type.quantized.zero[0], s.y))
        return (s.finish(total),)

    def params(self, types: Types) -> dict[str, Param]:
        x, y = types
        assert x and y
        walk = broadcast_fields(types)
        if self.scaling is None:
            return {**walk, **(self.clip or Clip()).fields(x)}
        return {**walk, **self.scaling.fields(x.quantized, y.quantized)}

    def inplace(self, types: Types) -> tuple[int, ...]:
        return overwritable(types, self.infer(types)[0])
