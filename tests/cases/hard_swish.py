"""Cases of hard_swish. The definition has no wider range than float32, so that -inf gives NaN."""
from __future__ import annotations

from tapeout.compiler.ops.hard_swish import HardSwish

from . import Case, Input, one_node


def case(name: str, shape: tuple[int, ...]) -> Case:
    return Case(f"hard_swish_{name}", one_node(f"hard_swish_{name}", HardSwish(), Input(shape)), HardSwish().real, tolerance=1e-6)


CASES = [case("plane", (1, 5, 3, 2)), case("row", (513,)), case("one", (1,))]
