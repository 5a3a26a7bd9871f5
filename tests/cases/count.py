"""Cases of count: numbers within a batch and beyond it."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ops.accumulate import POSITION
from tapeout.compiler.ops.count import Count

from . import Case, Input, one_node


def case(batch: int) -> Case:
    name = f"count_of_{batch}"
    return Case(name, one_node(name, Count(batch), Input((1,), POSITION)), lambda n: np.where(n + 1 < batch, n + 1, 0), 0.0)


CASES = [case(1), case(2), case(1 << 20)]
