"""Cases of cast: every format of floats to every other."""
from __future__ import annotations

from itertools import permutations

import numpy as np

from tapeout.compiler.ir import BF16, F16, F32, Builder, FType, Type
from tapeout.compiler.ops.cast import Cast
from tapeout.compiler.ops.mul import Mul

from . import Case, Input, make_graph, one_node

EDGES = [65504, 65519.996, 65520, 2.0**-24, 2.0**-25, 1.5 * 2.0**-25, 2049 * 2.0**-25, 2047.5, 2048.5, 2.0**-14 * 0.99999, 1e-41, 3.39e38]


def edges(q: FType) -> Case:
    """Numbers between two of the format, the middle and beside it, and its largest: products of them with the corners, 1 among these."""
    build = Builder()
    build.input("x", Type((1,), F32))
    build.add(Mul(), ("x", build.constant("edges", np.array(EDGES, np.float32))), "scaled")
    build.add(Cast(q), ("scaled",), "y0")
    return Case(f"cast_edges_{q.code}", make_graph(f"cast_edges_{q.code}", build, ("x",), ("y0",)))


CASES = [
    *(
        Case(f"cast_{x.code}_{y.code}", one_node(f"cast_{x.code}_{y.code}", Cast(y), Input((3, 37), x)), lambda a: a, 1e-2)
        for x, y in permutations((F32, F16, BF16), 2)
    ),
    *(edges(q) for q in (F16, BF16)),
]
