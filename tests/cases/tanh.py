"""Cases of tanh."""
from __future__ import annotations

from tapeout.compiler.ops.tanh import Tanh

from . import Case, Input, one_node


def case(name: str, shape: tuple[int, ...]) -> Case:
    return Case(f"tanh_{name}", one_node(f"tanh_{name}", Tanh(), Input(shape)), Tanh().real, tolerance=1e-6)


CASES = [case("plane", (1, 5, 3, 2)), case("row", (513,)), case("one", (1,))]
