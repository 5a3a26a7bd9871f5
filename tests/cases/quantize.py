"""Cases of quantize."""
from __future__ import annotations

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, QType
from tapeout.compiler.ops.quantize import Quantize

from . import Case, Input, one_node

ROUNDINGS = tuple(r for r in Rounding if r is not Rounding.TFLITE)


def same(x: Array) -> Array:
    return x


def case(name: str, shape: tuple[int, ...], scale: float, zero: int, rounding: Rounding, bits: int = 8, **others: bool) -> Case:
    """Scales of a power of two make every half code a tie, which the corner values meet."""
    name = f"quantize_{name}_{rounding}"
    return Case(name, one_node(name, Quantize(QType(bits, scale=(scale,), zero=(zero,), **others), rounding), Input(shape)), same)


CASES = [
    case(name, shape, scale, zero, rounding)
    for rounding in ROUNDINGS
    for name, shape, scale, zero in (
        ("ties", (1, 5, 3, 2), 1.0, 0),
        ("asymmetric", (257,), 0.0123, -128),
        ("high_zero", (1,), 2.0, 127),
        ("tiny_scale", (3, 3), 1.1754944e-38, 5),
    )
] + [
    case("few_bits", (2, 7), 0.5, 0, Rounding.HALF_UP, 4, narrow=True),
    case("unsigned", (2, 7), 0.25, 3, Rounding.HALF_EVEN, 5, signed=False),
    case("wide", (1, 5, 3, 2), 2.0**-12, 0, Rounding.HALF_UP, 16),
    case("wide_zero", (33,), 0.001, -20000, Rounding.FLOOR, 16),
    case("twelve_bits", (9,), 2.0, 100, Rounding.HALF_AWAY, 12),
]
