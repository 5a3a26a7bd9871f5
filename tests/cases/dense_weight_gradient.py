"""Cases of dense_weight_gradient: one row and several, odd sizes."""
from __future__ import annotations

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.dense_weight_gradient import DenseWeightGradient
from tests.autograd import each, gradients

from . import Case, Input, one_node


def real(x: Array, g: Array) -> Array:
    return gradients(lambda x, w: x @ w.T, [x, x.reshape(-1, x.shape[-1])[:1].repeat(g.shape[-1], 0)], g)[1]


def case(name: str, rows: tuple[int, ...], inputs: int, outputs: int) -> Case:
    name = f"dense_weight_gradient_f32_{name}"
    return Case(name, one_node(name, DenseWeightGradient(), Input((*rows, inputs)), Input((*rows, outputs))), each(real), 1e-5)


CASES = [case("one", (1,), 1, 1), case("row", (1,), 13, 7), case("rows", (5,), 9, 3), case("vector", (), 4, 5), case("axes", (2, 3), 6, 5)]
