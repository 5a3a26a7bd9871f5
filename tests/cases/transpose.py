"""Cases of transpose."""
from __future__ import annotations

from tapeout.compiler.ir import F32, Array
from tapeout.compiler.ops.transpose import Transpose

from . import Case, Input, Real, one_node, quantized

SHAPES = {
    "one": ((1,), (0,)),
    "matrix": ((3, 5), (1, 0)),
    "channels_last": ((1, 3, 5, 2), (0, 2, 3, 1)),
    "channels_first": ((2, 3, 5, 2), (0, 3, 1, 2)),
    "reverse": ((2, 3, 4, 5, 2), (4, 3, 2, 1, 0)),
    "shuffle": ((1, 3, 2, 2, 3), (0, 1, 2, 4, 3)),
    "inner_kept": ((3, 2, 7), (1, 0, 2)),
    "unmoved": ((2, 3, 4), (0, 1, 2)),
    "six_axes": ((2, 1, 3, 2, 1, 2), (3, 1, 2, 0, 5, 4)),
}


def transposed(perm: tuple[int, ...]) -> Real:
    def real(x: Array) -> Array:
        return x.transpose(0, *(axis + 1 for axis in perm))

    return real


CASES = [
    Case(f"transpose_{q.code}_{name}", one_node(f"transpose_{q.code}_{name}", Transpose(perm), Input(shape, q)), transposed(perm), 0.0)
    for name, (shape, perm) in SHAPES.items()
    for q in (quantized(), F32)
]
