"""Cases of threshold over floats and codes: codes of few bits and packed bits, one and several levels, rising and falling."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array, QType
from tapeout.compiler.ops.threshold import Threshold

from . import Case, Constant, Input, Real, one_node, rng_for

BITS = QType(1, bipolar=True, packed=True)


def counted(op: Threshold) -> Real:
    def real(x: Array, t: Array, descending: Array) -> Array:
        y = np.full(x.shape, float(op.lo))
        for channel in range(x.shape[-1]):
            row = channel if len(t) > 1 else 0
            for bound in t[row]:
                y[..., channel] += op.step * (x[..., channel] <= bound if descending[row] else x[..., channel] >= bound)
        return 2 * y - 1 if op.output.bipolar else y

    return real


def case(name: str, shape: tuple[int, ...], levels: int, y: QType, per_channel: bool = True, lo: int = 0, step: int = 1) -> Case:
    name = f"threshold_{name}"
    rng = rng_for(name)
    rows = shape[-1] if per_channel else 1
    t = np.sort(rng.standard_normal((rows, levels)), axis=1).astype(np.float32)
    t[:, 0], t[0, -1] = np.maximum(t[:, 0], -2.5), max(t[0, -1], 1.0)  # corners of the samples meet them
    t = np.sort(t, axis=1)
    descending = (np.arange(rows) % 3 == 1).astype(np.int8)
    t[descending == 1] = t[descending == 1, ::-1]
    op = Threshold(y, lo, step)
    return Case(name, one_node(name, op, Input(shape), Constant(t), Constant(descending)), counted(op), tolerance=0.0)


def of_codes(
    name: str, shape: tuple[int, ...], levels: int, x: QType, y: QType, per_channel: bool = True, lo: int = 0, falling: bool = True
) -> Case:
    """Thresholds spread over all codes, one channel's beyond them; every third channel's falling unless told not to."""
    name = f"threshold_{name}"
    rng = rng_for(name)
    rows = shape[-1] if per_channel else 1
    t = np.sort(rng.integers(x.min, x.max + 1, (rows, levels)), axis=1).astype(np.int32)
    t[-1, -1] = x.max + 1
    descending = (np.arange(rows) % 3 == 1).astype(np.int8) * falling
    t[descending == 1] = t[descending == 1, ::-1]
    graph = one_node(name, Threshold(y, lo), Input(shape, x), Constant(t), Constant(descending))
    return Case(name, graph, counted(Threshold(y, lo)), tolerance=0.0)


BYTES = QType(8, False)

CASES = [
    case("f32_s8_levels", (1, 5, 4, 3), 7, QType(4), lo=-3),
    case("f32_s8_tensor", (2, 9), 15, QType(4, False), per_channel=False),
    case("f32_s8_sign", (1, 7), 1, QType(2), lo=-1, step=2),
    case("f32_s8_many", (1, 6), 255, QType(8), lo=-128),
    case("f32_b1_row", (1, 29), 1, BITS),
    case("f32_b1_image", (1, 3, 4, 11), 1, BITS),
    case("f32_b1_tensor", (3, 16), 1, BITS, per_channel=False),
    case("f32_b1_one", (5, 1), 1, BITS),
    of_codes("s8_levels", (1, 5, 4, 3), 7, QType(8), QType(4), lo=-3),
    of_codes("s8_b1_row", (1, 29), 1, QType(8), BITS),
    of_codes("u8_s8_tensor", (2, 9), 3, BYTES, QType(2), per_channel=False, lo=-2),
    of_codes("u8_s8_rows", (3, 7), 2, BYTES, QType(2), lo=-1),
    of_codes("u8_b1_tensor", (1, 3, 4, 11), 1, BYTES, BITS, per_channel=False),
    of_codes("u8_b1_one", (1, 1), 1, BYTES, BITS),
    of_codes("s8_rising", (1, 3, 5, 6), 3, QType(6), QType(2), lo=-2, falling=False),
    of_codes("u8_s8_rising", (2, 12), 3, BYTES, QType(2, False), falling=False),
    of_codes("u8_b1_rising", (1, 24), 1, BYTES, BITS, falling=False),
    of_codes("s16_s8_rising", (1, 8), 7, QType(12), QType(3, False), falling=False),
    of_codes("s16_s8_levels", (2, 5), 15, QType(16), QType(4, False)),
    of_codes("s16_b1_row", (2, 17), 1, QType(16), BITS),
]
