"""Cases of mean_squared_error: one element, one row, several."""
from __future__ import annotations

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.mean_squared_error import MeanSquaredError
from tests.autograd import each, gradients

from . import Case, Input, one_node


def real(z: Array, t: Array) -> Array:
    import torch

    return gradients(lambda z: torch.nn.functional.mse_loss(z, torch.tensor(t)), [z], z.sum() * 0 + 1)[0]


def case(name: str, shape: tuple[int, ...]) -> Case:
    name = f"mean_squared_error_f32_{name}"
    return Case(name, one_node(name, MeanSquaredError(), Input(shape), Input(shape), outputs=2), each(real), 1e-5)


CASES = [case("one", (1,)), case("row", (1, 13)), case("images", (2, 3, 5, 2))]
