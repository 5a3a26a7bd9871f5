"""Fixed-point formats of high-level synthesis, as the codes of a graph need them."""
from __future__ import annotations

import math
from dataclasses import dataclass, replace

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import QType

# what AMD's ap_fixed calls our roundings; Siemens' ac_fixed has the same names behind AC_ (ap_fixed: UG1399; ac_fixed: ac_datatypes_ref)
_ROUNDINGS = {Rounding.HALF_UP: "RND", Rounding.HALF_EVEN: "RND_CONV", Rounding.HALF_AWAY: "RND_INF", Rounding.FLOOR: "TRN"}


@dataclass(frozen=True)
class FixedPoint:
    """Codes of `width` bits that stand for `code * 2**-fraction`; a value that comes in is rounded and brought into the range."""

    width: int
    fraction: int
    signed: bool
    rounding: str = "TRN"
    overflow: str = "WRAP"

    @property
    def unit(self) -> float:
        return 2.0**-self.fraction

    @property
    def min(self) -> int:
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        return (1 << (self.width - self.signed)) - 1

    def __str__(self) -> str:
        """How hls4ml writes it for all its back ends."""
        return f"{'' if self.signed else 'u'}fixed<{self.width},{self.width - self.fraction},{self.rounding},{self.overflow}>"


def exponent(scale: float, name: str) -> int:
    """`n` where `scale` is 2**n. Raises Unsupported for any other scale, which names `name`."""
    mantissa, power = math.frexp(scale)
    if mantissa != 0.5:
        raise Unsupported(
            f"{name}: scale {scale!r} is no power of two, and fixed point has no other; quantize with --recipe 'fixed<W,I>', "
            "such as 'fixed<8,3>'"
        )
    return power - 1


def holding(low: int, high: int, fraction: int) -> FixedPoint:
    """The smallest format that holds the codes `low` to `high`."""
    signed = low < 0
    bits = max(high.bit_length(), (-low - 1).bit_length() if signed else 0) + signed
    return FixedPoint(max(bits, 1), fraction, signed)


def of_codes(q: QType, name: str) -> FixedPoint:
    """The format of a tensor's numbers. Raises Unsupported for zero points other than the least code, bipolar codes, and scales that are
    no powers of two."""
    if q.zero == (q.min,) and not q.bipolar:  # the least code is 0, as of bytes of images that layers take with a sign
        return FixedPoint(q.bits, -exponent(q.scale[0], name), False)
    if any(q.zero) or q.bipolar:
        kind = "bipolar codes" if q.bipolar else "codes with a zero point"
        raise Unsupported(f"{name}: {kind} are no fixed point; quantize with --recipe 'fixed<W,I>', such as 'fixed<8,3>'")
    return FixedPoint(q.bits, -min(exponent(s, name) for s in q.scale), q.min < 0)


def clipped(low: int, high: int, rounding: Rounding, fraction: int, name: str) -> FixedPoint:
    """The format whose conversion rounds so and clips to the codes `low` to `high`. Raises Unsupported when there is none."""
    if rounding not in _ROUNDINGS:
        raise Unsupported(f"{name}: fixed point does not round as {rounding} does; it has {', '.join(_ROUNDINGS)}")
    plain = holding(low, high, fraction)
    ends = 1 << (plain.width - plain.signed)
    overflow = {(-ends if plain.signed else 0): "SAT", 1 - ends: "SAT_SYM"}.get(low)
    if high != ends - 1 or overflow is None:
        raise Unsupported(f"{name}: clips to {low} .. {high}, and fixed point saturates at powers of two only; quantize with fixed<W,I>")
    return replace(plain, rounding=_ROUNDINGS[rounding], overflow=overflow)
