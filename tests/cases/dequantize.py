"""Cases of dequantize."""
from __future__ import annotations

from dataclasses import replace

import numpy as np

from tapeout.compiler.ir import Array, Builder, QType, Type
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.dequantize import Dequantize

from . import Case, Constant, Input, make_graph, one_node, quantized, random_of, rng_for


def same(x: Array) -> Array:
    return x


def case(name: str, shape: tuple[int, ...], scale: float, zero: int) -> Case:
    name = f"dequantize_{name}"
    return Case(name, one_node(name, Dequantize(), Input(shape, quantized(scale, zero))), same, tolerance=1e-6)


def other(name: str, shape: tuple[int, ...], q: QType, scales: bool = False) -> Case:
    """Codes of another width, or sums; with a scale for each channel."""
    name = f"dequantize_{name}"
    scale = Constant(np.array(q.scale, np.float32)) if scales else None
    operands = (Input(shape, q), scale) if scales else (Input(shape, q),)
    return Case(name, one_node(name, Dequantize(), *operands), lambda x, *_: x, tolerance=1e-6)


def layer(name: str, x: QType, w: QType, bias: int) -> Case:
    """Sums of a layer that become floats at once, as at the end of a network."""
    name = f"dequantize_{name}"
    rng, build = rng_for(name), Builder()
    q = replace(w, scale=tuple(map(float, rng.uniform(0.001, 0.01, 5))), zero=(0,) * 5, axis=0)
    fed = build.input("x", Type((2, 19), x))
    weights = build.constant("w", random_of(rng, (5, 19), q), q)
    b = build.constant("b", rng.integers(-999, 999, 5).astype(f"int{bias}"))
    build.add(Dense(), [fed, weights, b], "sums")
    scale = build.constant("scale", np.array(build.values["sums"].type.quantized.scale, np.float32))
    build.add(Dequantize(), ["sums", scale], "y")
    return Case(name, make_graph(name, build, (fed,), ("y",)))


BITS = QType(1, True, (0.75,), bipolar=True, packed=True)

CASES = [
    case("plane", (1, 5, 3, 2), 0.1, 3),
    case("row", (257,), 0.0123, -128),
    case("one", (1,), 1e-30, 127),
    case("symmetric", (3, 3), 2.0, 0),
    other("few_bits", (2, 5), quantized(0.5, 3, 4)),
    other("s16", (1, 3, 5), quantized(0.001, -77, 16)),
    other("s32", (257,), QType(32, True, (1e-4,))),
    other("s32_channels", (2, 3, 5), QType(32, True, (1e-4, 0.1, 3.0, 1e-30, 0.7), (0,) * 5, 2), scales=True),
    other("s64", (1, 9), QType(64, True, (1e-9,))),
    other("s64_channels", (4, 3), QType(64, True, (1e-9, 0.3, 1.0), (0,) * 3, 1), scales=True),
    other("b1", (2, 3, 11), BITS),
    other("b1_bytes", (1, 24), BITS),
    layer("of_bits", BITS, BITS, 32),
    layer("of_codes", quantized(0.1, 3), QType(3, packed=True), 32),
    layer("of_wide_codes", quantized(0.1, 3, 16), QType(16), 64),
]
