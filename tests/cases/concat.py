"""Cases of concat."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import F32, Array, FType, QType
from tapeout.compiler.ops.concat import INPUTS, Concat

from . import Case, Constant, Input, Real, one_node, quantized

# axis, shapes
JOINS = {
    "rows": (0, ((3,), (1,), (5,))),
    "channels": (3, ((1, 3, 5, 2), (1, 3, 5, 1), (1, 3, 5, 4))),
    "height": (1, ((1, 3, 5, 2), (1, 2, 5, 2))),
    "batches": (0, ((1, 3, 2), (2, 3, 2))),
    "one": (1, ((2, 3),)),
    "most": (1, ((2, 1),) * INPUTS),
    "six_axes": (2, ((2, 1, 3, 2, 2, 1), (2, 1, 4, 2, 2, 1))),
}


def joined(axis: int) -> Real:
    def real(*arrays: Array) -> Array:
        return np.concatenate(arrays, axis=axis + 1)

    return real


def with_constant(name: str, q: QType | FType) -> Case:
    """The second input is a constant, which has no axis of samples."""
    data = np.arange(6).reshape(2, 3).astype(q.dtype)
    return Case(name, one_node(name, Concat(1), Input((2, 2), q), Constant(data, q), Input((2, 1), q)))


CASES = [
    Case(f"concat_{q.code}_{name}", one_node(f"concat_{q.code}_{name}", Concat(axis), *(Input(s, q) for s in shapes)), joined(axis), 0.0)
    for name, (axis, shapes) in JOINS.items()
    for q in (quantized(), quantized(2.0**-6, 0, 16), F32)
]
CASES += [with_constant("concat_s8_constant", quantized()), with_constant("concat_f32_constant", F32)]
