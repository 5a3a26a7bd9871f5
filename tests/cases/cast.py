"""Cases of cast: every format of floats to every other."""
from __future__ import annotations

from itertools import permutations

import numpy as np

from tapeout.compiler.ir import BF16, F16, F32
from tapeout.compiler.ops.cast import Cast

from . import Case, Constant, Input, one_node

EDGES = np.array([65504, 65519.996, 65520, 2.0**-24, 2.0**-25, 1.5 * 2.0**-25, 2049 * 2.0**-25, 2047.5, 2048.5, 2.0**-14 * 0.99999, 1e-41, 3.39e38])

CASES = [
    case for x, y in permutations((F32, F16, BF16), 2)
    for case in (
        Case(f"cast_{x.code}_{y.code}", one_node(f"cast_{x.code}_{y.code}", Cast(y), Input((3, 37), x)), lambda a: a, 1e-2),
        Case(f"cast_{x.code}_{y.code}_edges", one_node(f"cast_{x.code}_{y.code}_edges", Cast(y), Constant(EDGES.astype(x.dtype)))),
    )
]  # fmt: skip
