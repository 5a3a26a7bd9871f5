"""Cases of leaky_relu."""
from __future__ import annotations

from tapeout.compiler.ops.leaky_relu import LeakyRelu

from . import Case, Input, one_node


def case(name: str, alpha: float, shape: tuple[int, ...]) -> Case:
    op = LeakyRelu(alpha)
    return Case(f"leaky_relu_{name}", one_node(f"leaky_relu_{name}", op, Input(shape)), op.real, tolerance=1e-6)


CASES = [case("plane", 0.01, (1, 5, 3, 2)), case("steep", 1.5, (7,)), case("negative", -0.25, (3, 3)), case("one", 0.2, (1,))]
