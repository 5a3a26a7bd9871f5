"""Cases of threshold over floats: codes of few bits and packed bits, one and several levels, rising and falling."""
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


CASES = [
    case("f32_s8_levels", (1, 5, 4, 3), 7, QType(4), lo=-3),
    case("f32_s8_tensor", (2, 9), 15, QType(4, False), per_channel=False),
    case("f32_s8_sign", (1, 7), 1, QType(2), lo=-1, step=2),
    case("f32_s8_many", (1, 6), 255, QType(8), lo=-128),
    case("f32_b1_row", (1, 29), 1, BITS),
    case("f32_b1_image", (1, 3, 4, 11), 1, BITS),
    case("f32_b1_tensor", (3, 16), 1, BITS, per_channel=False),
    case("f32_b1_one", (5, 1), 1, BITS),
]
