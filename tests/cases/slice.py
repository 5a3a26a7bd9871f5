"""Cases of slice."""
from __future__ import annotations

from tapeout.compiler.ir import F32, Array
from tapeout.compiler.ops.slice import Slice

from . import Case, Input, Real, one_node, quantized

# shape, begin, size, stride
PARTS = {
    "whole": ((3, 4), (0, 0), (3, 4), (1, 1)),
    "one": ((9,), (8,), (1,), (1,)),
    "window": ((1, 5, 7, 3), (0, 1, 2, 0), (1, 3, 4, 3), (1, 1, 1, 1)),
    "channels": ((1, 5, 3, 7), (0, 0, 0, 2), (1, 5, 3, 3), (1, 1, 1, 1)),
    "steps": ((2, 7, 5), (0, 1, 0), (2, 3, 3), (1, 2, 2)),
    "backwards": ((3, 4, 2), (2, 3, 1), (3, 2, 2), (-1, -2, -1)),
    "five_axes": ((2, 3, 4, 3, 5), (0, 0, 1, 2, 4), (2, 2, 2, 2, 3), (1, 2, 1, -1, -2)),
}


def part(begin: tuple[int, ...], size: tuple[int, ...], stride: tuple[int, ...]) -> Real:
    def real(x: Array) -> Array:
        for axis, (b, n, s) in enumerate(zip(begin, size, stride, strict=True)):
            x = x.take([b + i * s for i in range(n)], axis=axis + 1)
        return x

    return real


CASES = [
    Case(
        f"slice_{q.code}_{name}", one_node(f"slice_{q.code}_{name}", Slice(begin, size, stride), Input(shape, q)),
        part(begin, size, stride), 0.0,
    )
    for name, (shape, begin, size, stride) in PARTS.items()
    for q in (quantized(), quantized(2.0**-6, 0, 16), F32)
]
