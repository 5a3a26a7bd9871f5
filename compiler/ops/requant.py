"""Requantization: integer codes or accumulators of one scale become codes of another."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import TapeoutError
from ..fixed import Rounding, multiplier, requantize, shift_right
from ..ir import Array, Builder, Op, Param, QType, Type, Types


@dataclass(frozen=True)
class Requant(Op):
    """`y = clip(round((x - x_zero) * mul / 2**shift) + y_zero, lo, hi)`, over inputs `x`, `mul`, `shift`.

    `mul` (s32) and `shift` (s8) hold one entry, or one per channel of the last axis. Sums of blocks, `x` (..., C, B), take
    `mul` (C, B) and `shift` (C), and `y` (..., C) rounds `sum_b(x * mul) / 2**shift` once. Multipliers may be negative but
    for TFLITE; those of blocks and of 64-bit sums have so few bits that products fit 64, which check_accumulators proves.
    After lowering a requant that follows a convolution or a product is a field of that op, which then takes `mul` and
    `shift` as inputs.
    """

    output: QType
    rounding: Rounding = Rounding.HALF_UP
    lo: int = -128
    hi: int = 127
    blocks: int = 1  # of sums whose weights have a scale for each block

    def infer(self, types: Types) -> tuple[Type, ...]:
        x, mul, shift = types
        assert x and mul and shift
        if not isinstance(x.q, QType):
            raise TapeoutError(f"requant takes integer codes, got {x.q.code}")
        if x.q.bits > 16 and x.q.zero[0] != 0:
            raise TapeoutError(f"requant takes {x.q.code} sums without zero point, got zero point {x.q.zero[0]}")
        if self.rounding is Rounding.TFLITE and (self.blocks > 1 or x.q.bits > 32):
            raise TapeoutError("requant rounds as TensorFlow Lite does one product of a 32-bit sum alone, none of blocks or of 64 bits")
        if self.blocks > 1:
            if x.shape[-1] != self.blocks or mul.shape != x.shape[-2:] or shift.shape != mul.shape[:1]:
                raise TapeoutError(f"requant of {self.blocks} blocks does not fit {x.dims}, mul {mul.dims} and shift {shift.dims}")
            return (Type(x.shape[:-1], self._output()),)
        if mul.shape != shift.shape or mul.size not in (1, x.shape[-1] if x.shape else 1):
            raise TapeoutError(f"requant takes one multiplier or one per channel of {x.dims}, got {mul.dims} and {shift.dims}")
        return (Type(x.shape, self._output()),)

    def _output(self) -> QType:
        if not self.output.min <= self.lo <= self.hi <= self.output.max:
            raise TapeoutError(f"requant clips to {self.lo} .. {self.hi}, which {self.output.code} does not hold")
        return self.output

    def apply(self, x: Array, mul: Array, shift: Array) -> Array:
        """Codes of the output for sums `x` (..., channels) or (..., channels, blocks) without zero point."""
        if self.blocks > 1:
            y = shift_right((x.astype(np.int64) * mul).sum(axis=-1), shift, self.rounding) + self.output.zero[0]
        else:
            y = requantize(x, mul, shift, self.rounding) + self.output.zero[0]
        return np.clip(y, self.lo, self.hi).astype(self.output.dtype)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        x, mul, shift = arrays
        assert types[0]
        return (self.apply(x.astype(np.int64) - types[0].quantized.zero[0], mul, shift),)

    def params(self, types: Types) -> dict[str, Param]:
        x, mul, _ = types
        assert x and mul
        channels = x.shape[-1] if mul.size > 1 else 1
        return {"size": x.size, "channels": channels, "x_zero": x.quantized.zero[0], **self.fields()}

    def fields(self) -> dict[str, Param]:
        """The fields that every kernel with a requantized output has."""
        return {"y_zero": self.output.zero[0], "lo": self.lo, "hi": self.hi, "rounding": self.rounding}

    def inplace(self, types: Types) -> tuple[int, ...]:
        assert types[0]
        return (0,) if self.output.dtype.itemsize in (1, types[0].q.dtype.itemsize) else ()


def scaling(
    builder: Builder, name: str, factors: Sequence[float], split: Callable[[float], tuple[int, int]] = multiplier
) -> tuple[str, str]:
    """Adds the constants `<name>_mul` and `<name>_shift` that `split` gives for these factors; returns their names.

    Raises TapeoutError for a factor that has no multiplier.
    """
    try:
        pairs = [split(factor) for factor in factors]
    except ValueError as error:
        raise TapeoutError(f"{name}: {error}; the scales of its tensors do not fit each other") from None
    mul = builder.constant(f"{name}_mul", np.array([m for m, _ in pairs], np.int32))
    return mul, builder.constant(f"{name}_shift", np.array([s for _, s in pairs], np.int8))
