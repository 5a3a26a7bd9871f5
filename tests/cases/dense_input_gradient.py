"""Cases of dense_input_gradient: one row and several, odd sizes."""
from __future__ import annotations

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.dense_input_gradient import DenseInputGradient

from . import Case, Constant, Input, one_node, random_floats, rng_for


def real(g: Array, w: Array) -> Array:
    return g @ w


def case(name: str, rows: tuple[int, ...], inputs: int, outputs: int) -> Case:
    name = f"dense_input_gradient_f32_{name}"
    w = Constant(random_floats(rng_for(name), (outputs, inputs)))
    return Case(name, one_node(name, DenseInputGradient(), Input((*rows, outputs)), w), real, 1e-5)


CASES = [case("one", (1,), 1, 1), case("row", (1,), 13, 7), case("rows", (5,), 9, 3), case("vector", (), 4, 5), case("axes", (2, 3), 6, 5)]
