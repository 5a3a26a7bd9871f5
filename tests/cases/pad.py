"""Cases of pad."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import F32, Array
from tapeout.compiler.ops.pad import Pad

from . import Case, Input, Real, one_node, quantized

# shape, before, after
PADS = {
    "row": ((3,), (2,), (1,)),
    "one": ((1,), (0,), (3,)),
    "plane": ((1, 3, 5, 2), (0, 1, 2, 0), (0, 2, 1, 0)),
    "channels": ((1, 3, 5, 3), (0, 0, 0, 1), (0, 0, 0, 4)),
    "nothing": ((2, 3), (0, 0), (0, 0)),
    "five_axes": ((2, 2, 3, 2, 2), (1, 0, 2, 1, 3), (0, 2, 1, 0, 1)),
}


def padded(before: tuple[int, ...], after: tuple[int, ...], value: float) -> Real:
    def real(x: Array) -> Array:
        return np.pad(x, [(0, 0), *zip(before, after, strict=True)], constant_values=value)

    return real


CASES = [
    *(
        Case(f"pad_s8_{name}", one_node(f"pad_s8_{name}", Pad(before, after, -7), Input(shape, quantized())),
             padded(before, after, (-7 - 3) * 0.05), tolerance=0.01)
        for name, (shape, before, after) in PADS.items()
    ),
    *(
        Case(f"pad_f32_{name}", one_node(f"pad_f32_{name}", Pad(before, after, -0.75), Input(shape, F32)),
             padded(before, after, -0.75), tolerance=0.0)
        for name, (shape, before, after) in PADS.items()
    ),
]
