"""Cases of normalise: one element, odd sizes, several axes."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.normalise import Normalise

from . import Case, Input, one_node


def case(name: str, shape: tuple[int, ...], op: Normalise) -> Case:
    def real(x: Array) -> Array:
        square = (x.reshape(len(x), -1) ** 2).mean(-1).reshape(-1, *[1] * len(shape))
        y: Array = x / (np.sqrt(square) + op.epsilon)
        return y

    name = f"normalise_f32_{name}"
    return Case(name, one_node(name, op, Input(shape)), real, 1e-5, finite=True)


CASES = [case("one", (1,), Normalise()), case("row", (1, 13), Normalise(0.5)), case("plane", (1, 3, 5, 7), Normalise())]
