"""Cases of requant."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, QType
from tapeout.compiler.ops.requant import Requant

from . import Case, Constant, Input, one_node, quantized, scaling

SUMS = QType(32, True, (1e-4,))


def same(x: Array, mul: Array, shift: Array) -> Array:
    return x


def case(
    name: str, rounding: Rounding, x: QType, y: QType, shape: tuple[int, ...], lo: int = -128, hi: int = 127, channels: int = 1
) -> Case:
    """A change of scale: per channel, all multipliers are different but those of the first channel leave the real as it is."""
    ratio = x.scale[0] / y.scale[0]
    reals: Sequence[float] = [ratio / (1 + 0.3 * c) for c in range(channels)]
    graph = one_node(f"requant_{name}", Requant(y, rounding, lo, hi), Input(shape, x), *scaling(reals))
    unclipped = channels == 1 and (lo, hi) == (-128, 127)
    return Case(f"requant_{name}", graph, same if unclipped else None, tolerance=1.0)


def extreme(name: str, mul: int, shift: int, x: QType, rounding: Rounding) -> Case:
    """A multiplier as it stands, at the ends of its range."""
    scale = Constant(np.array([mul], np.int32)), Constant(np.array([shift], np.int8))
    return Case(f"requant_{name}", one_node(f"requant_{name}", Requant(quantized(zero=127), rounding), Input((9,), x), *scale))


CASES = [
    case("u8_s8_pixels", Rounding.HALF_UP, QType(8, False, (1 / 255,)), QType(8, True, (1 / 255,), (-128,)), (1, 3, 5, 2)),
    case("u8_s8_scaled", Rounding.HALF_EVEN, QType(8, False, (1 / 255,)), quantized(2.0**-6, 1), (1, 29)),
    *(case(f"s8_{r}", r, quantized(0.05, 3), quantized(0.11, -20), (256,)) for r in Rounding),
    *(case(f"s8_{r}_up", r, quantized(0.05, -128), quantized(0.002, 5), (1, 3, 5, 2)) for r in Rounding),
    *(case(f"s32_{r}", r, SUMS, quantized(0.5, 7), (3, 11)) for r in Rounding),
    case("s8_channels", Rounding.HALF_UP, quantized(0.05, 3), quantized(0.04, -20), (2, 3, 5), channels=5),
    case("s32_channels", Rounding.TFLITE, SUMS, quantized(0.5, -128), (1, 4, 3), channels=3),
    case("s8_clamped", Rounding.HALF_UP, quantized(0.05, 3), quantized(0.01, -20), (1,), -20, 100),
    case("s32_clamped", Rounding.TFLITE, SUMS, quantized(0.01, -128), (2, 2), -128, -128),
    case("s8_s16_wider", Rounding.HALF_UP, quantized(0.05, -3), quantized(0.0007, 5, 16), (1, 3, 7), -32768, 32767),
    case("s16_narrower", Rounding.HALF_EVEN, quantized(0.0007, 5, 16), quantized(0.05, -3, 12), (257,), -2048, 2047),
    case("s16_channels", Rounding.HALF_UP, quantized(0.01, 0, 16), quantized(0.02, 0, 16), (2, 3), -32768, 32767, channels=3),
    case("s16_s8_codes", Rounding.HALF_AWAY, quantized(0.01, -50, 16), quantized(0.5, 7), (1, 3, 7)),
    case("s16_s8_few_bits", Rounding.TFLITE, quantized(0.01, 0, 16), quantized(5.0, 0, 4), (1, 3, 7), -8, 7),
    extreme("s32_negative", -(1 << 30), 38, SUMS, Rounding.HALF_UP),
    extreme("s32_negative_ties", -(1 << 30), 40, SUMS, Rounding.HALF_EVEN),
    extreme("s32_zero", 0, 31, SUMS, Rounding.TFLITE),
    extreme("s32_smallest", 1 << 30, 62, SUMS, Rounding.HALF_UP),
    extreme("s32_one", 1 << 30, 30, SUMS, Rounding.HALF_EVEN),
    extreme("s32_ties", 1 << 30, 38, SUMS, Rounding.HALF_AWAY),
]
