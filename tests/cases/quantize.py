"""Cases of quantize."""
from __future__ import annotations

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array
from tapeout.compiler.ops.quantize import Quantize

from . import Case, Input, one_node, quantized

ROUNDINGS = (Rounding.HALF_AWAY, Rounding.HALF_EVEN)


def same(x: Array) -> Array:
    return x


def case(name: str, shape: tuple[int, ...], scale: float, zero: int, rounding: Rounding) -> Case:
    """Scales of a power of two make every half code a tie, which the corner values meet."""
    name = f"quantize_{name}_{rounding}"
    return Case(name, one_node(name, Quantize(quantized(scale, zero), rounding), Input(shape)), same)


CASES = [
    case(name, shape, scale, zero, rounding)
    for rounding in ROUNDINGS
    for name, shape, scale, zero in (
        ("ties", (1, 5, 3, 2), 1.0, 0),
        ("asymmetric", (257,), 0.0123, -128),
        ("high_zero", (1,), 2.0, 127),
        ("tiny_scale", (3, 3), 1.1754944e-38, 5),
    )
]
