"""Few levels of codes: thresholds of the codes themselves, as the float graph decides for each of them."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import Unsupported
from ..fixed import Int
from ..ir import Array
from .chain import Step, evaluate
from .integerizer import Integerizer
from .layers import Stage
from .thresholds import find


def thresholds_of_codes(integerizer: Integerizer, x: str, steps: Sequence[Step], stage: Stage, name: str, rows: int = 1) -> str:
    """Adds the thresholds that give the codes of what `steps` make of the codes `x`; `rows` is 1, or the channels that `stage` tells apart.

    A real is the code divided by what its scale stands for, rounded to float32 once. Raises Unsupported when a channel turns back.
    """
    type = integerizer.builder.values[x].type
    q = type.quantized
    if any(link.constant is not None and link.constant.size > 1 for link in steps):
        rows = type.shape[-1]

    def codes(points: Int) -> Int:
        reals: Array = ((points - q.zero[0]) * q.scale[0]).astype(np.float32)
        return stage.count(evaluate(steps, reals))

    found = find(codes, np.full(rows, q.min, np.int64), np.full(rows, q.max, np.int64), stage.levels)
    every = np.broadcast_to(np.arange(q.min, q.max + 1)[:, np.newaxis], (q.max - q.min + 1, rows))
    if not np.array_equal(stage.op.apply(every, found.t, found.descending), stage.op.lo + stage.op.step * codes(every)):
        raise Unsupported(f"{name}: what stands before its quantizer is no monotone function of the input; quantize the input too")
    t = integerizer.builder.constant(f"{name}_thresholds", found.t.astype(np.int32))
    down = integerizer.builder.constant(f"{name}_descending", found.descending)
    return integerizer.builder.add(stage.op, (x, t, down), name)
