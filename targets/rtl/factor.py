"""Multipliers and shifts as scale.sv takes them: one shift for all channels, and the second rounding of TensorFlow Lite."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tapeout.compiler.fixed import Rounding

from .instance import signed_bits

ROUNDINGS = {  # as scale.sv numbers them
    Rounding.FLOOR: 0, Rounding.HALF_UP: 1, Rounding.HALF_AWAY: 2, Rounding.HALF_EVEN: 3, Rounding.TFLITE: 4,
}  # fmt: skip
_HIGH = 31  # TensorFlow Lite rounds a product by as many bits half up, and what that gives by the rest of the shift half away from zero


@dataclass(frozen=True)
class Factors:
    """`round(x * mul / 2**shift)` for a multiplier of each channel or one of all; TFLITE then rounds by `2**(second - extra)` besides."""

    muls: tuple[int, ...]
    extras: tuple[int, ...]
    shift: int
    second: int
    rounding: Rounding

    @property
    def mul_bits(self) -> int:
        return max(signed_bits(min(self.muls), max(self.muls)), 2)

    @property
    def extra_bits(self) -> int:
        return max(self.extras).bit_length()

    @property
    def words(self) -> list[int]:
        """A word for each channel: its multiplier, and above it its extra."""
        mask = (1 << self.mul_bits) - 1
        return [mul & mask | extra << self.mul_bits for mul, extra in zip(self.muls, self.extras, strict=True)]

    def params(self) -> dict[str, int]:
        return {"MUL_BITS": self.mul_bits, "SHIFT": self.shift, "ROUNDING": ROUNDINGS[self.rounding], "SECOND": self.second}


def factors(muls: Sequence[int], shifts: Sequence[int], rounding: Rounding, left: int = 0) -> Factors:
    """Factors of numbers that are `x << left`, by the rule of `requantize`.

    All channels share the largest shift, multipliers make up for it, and then lose the zeros that all of them end with: the same
    numbers, since a product is rounded once. TFLITE rounds it by up to 31 bits half up (`doubling_high_multiply` of what is shifted
    to the left before it), and only what is left of the shift a second time; where nothing is left it is half_up.
    """
    twice = rounding is Rounding.TFLITE
    seconds = [max(own - _HIGH, 0) if twice else 0 for own in shifts]
    second = max(seconds)
    if twice and second == 0:
        rounding = Rounding.HALF_UP
    firsts = [own - later for own, later in zip(shifts, seconds, strict=True)]
    shift = max(firsts)
    moved = [mul << (left + shift - own) for mul, own in zip(muls, firsts, strict=True)]
    zeros = min([shift, *((mul & -mul).bit_length() - 1 for mul in moved if mul)])
    return Factors(tuple(mul >> zeros for mul in moved), tuple(second - later for later in seconds), shift - zeros, second, rounding)
