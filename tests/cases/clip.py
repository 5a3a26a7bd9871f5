"""Cases of clip."""
from __future__ import annotations

import math

import numpy as np

from tapeout.compiler.ir import F32, Array, QType
from tapeout.compiler.ops.clip import Clip

from . import Case, Input, Real, one_node, quantized


def clipped(lo: float, hi: float) -> Real:
    def real(x: Array) -> Array:
        return np.clip(x, lo, hi)

    return real


def case(name: str, lo: float, hi: float, shape: tuple[int, ...], q: QType | None = None) -> Case:
    scale, zero = (q.scale[0], q.zero[0]) if q else (1.0, 0)
    graph = one_node(f"clip_{name}", Clip(lo, hi), Input(shape, q or F32))
    return Case(f"clip_{name}", graph, clipped((lo - zero) * scale, (hi - zero) * scale), tolerance=0.0)


CASES = [
    case("relu", 0.0, math.inf, (1, 5, 3, 2)),
    case("relu6", 0.0, 6.0, (7,)),
    case("both", -0.5, 0.25, (3, 3)),
    case("point", 1.0, 1.0, (1,)),
    case("not_positive", -math.inf, 0.0, (3, 5)),
    case("none", -math.inf, math.inf, (2, 3)),
    case("s8_relu", 3, 127, (1, 5, 3, 2), quantized()),
    case("s8_both", -100, 99, (256,), quantized()),
    case("s8_wide", -math.inf, 1000, (5,), quantized()),
    case("s8_point", -128, -128, (1,), quantized()),
]
