"""Cases of softmax_cross_entropy: one class, one row, several."""
from __future__ import annotations

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.softmax_cross_entropy import SoftmaxCrossEntropy
from tests.autograd import each, gradients

from . import Case, Input, one_node


def real(z: Array, t: Array) -> Array:
    import torch

    rows = z.size // z.shape[-1]
    return gradients(lambda z: -(torch.tensor(t) * torch.log_softmax(z, -1)).sum() / rows, [z], z.sum() * 0 + 1)[0]


def case(name: str, shape: tuple[int, ...]) -> Case:
    name = f"softmax_cross_entropy_f32_{name}"
    return Case(name, one_node(name, SoftmaxCrossEntropy(), Input(shape), Input(shape), outputs=2), each(real), 1e-5)


CASES = [case("one", (1, 1)), case("row", (1, 10)), case("rows", (4, 3)), case("vector", (7,)), case("pixels", (2, 3, 5))]
