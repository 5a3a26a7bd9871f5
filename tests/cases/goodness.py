"""Cases of goodness: one element, odd sizes, several axes."""
from __future__ import annotations

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.goodness import Goodness

from . import Case, Input, one_node


def real(y: Array) -> Array:
    mean: Array = (y.reshape(len(y), -1) ** 2).mean(-1, keepdims=True)
    return mean


def case(name: str, shape: tuple[int, ...]) -> Case:
    name = f"goodness_f32_{name}"
    return Case(name, one_node(name, Goodness(), Input(shape)), real, 1e-5)


CASES = [case("one", (1,)), case("row", (1, 13)), case("plane", (1, 3, 5, 7))]
