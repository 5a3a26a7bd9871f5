"""Cases of bias_gradient: of dense layers and of convolutions."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.bias_gradient import BiasGradient

from . import Case, Input, one_node


def real(g: Array) -> Array:
    return np.asarray(g.reshape(len(g), -1, g.shape[-1]).sum(axis=1))


def case(name: str, shape: tuple[int, ...]) -> Case:
    name = f"bias_gradient_f32_{name}"
    return Case(name, one_node(name, BiasGradient(), Input(shape)), real, 1e-5)


CASES = [case("one", (1,)), case("row", (1, 7)), case("rows", (5, 3)), case("images", (2, 3, 5, 6))]
