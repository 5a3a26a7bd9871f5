"""Cases of argmax: codes of all widths, few and many classes, rows of one class, ties, which the samples' corners make of whole rows."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array, QType
from tapeout.compiler.ops.argmax import Argmax

from . import Case, Input, one_node

SUMS = QType(32, True, (1e-3,))


def first(x: Array) -> Array:
    return np.asarray(np.argmax(x, axis=-1))


def case(name: str, q: QType, shape: tuple[int, ...]) -> Case:
    return Case(f"argmax_{name}", one_node(f"argmax_{name}", Argmax(), Input(shape, q)), first, tolerance=0.0)


CASES = [
    case("s8", QType(8), (1, 10)),
    case("s8_zero", QType(8, True, (0.1,), (-3,)), (2, 7)),
    case("s8_image", QType(4), (1, 3, 5, 3)),
    case("s8_unsigned", QType(5, False), (1, 12)),
    case("s8_one", QType(8), (3, 1)),
    case("s8_two", QType(2), (1, 2)),
    case("s8_u8", QType(8), (1, 129)),
    case("s8_s16", QType(8), (1, 300)),
    case("s16_s8", QType(16), (2, 5)),
    case("s16_u8", QType(12), (1, 256)),
    case("s16", QType(16), (1, 257)),
    case("s32_s8", SUMS, (1, 10)),
    case("s32_s8_rows", SUMS, (2, 2, 9)),
    case("s32_u8", SUMS, (1, 200)),
    case("s32_s16", SUMS, (1, 259)),
    case("s64_s8", QType(64), (2, 6)),
    case("s64_u8", QType(64), (1, 130)),
    case("s64_s16", QType(64), (1, 258)),
]
