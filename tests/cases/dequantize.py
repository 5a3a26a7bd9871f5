"""Cases of dequantize."""
from __future__ import annotations

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.dequantize import Dequantize

from . import Case, Input, one_node, quantized


def same(x: Array) -> Array:
    return x


def case(name: str, shape: tuple[int, ...], scale: float, zero: int) -> Case:
    name = f"dequantize_{name}"
    return Case(name, one_node(name, Dequantize(), Input(shape, quantized(scale, zero))), same, tolerance=1e-6)


CASES = [
    case("plane", (1, 5, 3, 2), 0.1, 3),
    case("row", (257,), 0.0123, -128),
    case("one", (1,), 1e-30, 127),
    case("symmetric", (3, 3), 2.0, 0),
]
