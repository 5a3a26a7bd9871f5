"""Cases of sigmoid."""
from __future__ import annotations

from tapeout.compiler.ops.sigmoid import Sigmoid

from . import Case, Input, one_node


def case(name: str, shape: tuple[int, ...]) -> Case:
    return Case(f"sigmoid_{name}", one_node(f"sigmoid_{name}", Sigmoid(), Input(shape)), Sigmoid().real, tolerance=1e-6)


CASES = [case("plane", (1, 5, 3, 2)), case("row", (513,)), case("one", (1,))]
