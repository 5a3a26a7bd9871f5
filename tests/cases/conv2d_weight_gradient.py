"""Cases of conv2d_weight_gradient: random windows, groups, one channel."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.conv2d_weight_gradient import Conv2dWeightGradient
from tapeout.compiler.window import Window
from tests.autograd import convolved, each, gradients, random_windows

from . import Case, Input, one_node, rng_for


def case(name: str, size: tuple[int, int, int], inputs: int, outputs: int, window: Window, groups: int = 1) -> Case:
    def real(x: Array, g: Array) -> Array:
        w = np.zeros((outputs, *window.kernel, inputs // groups))
        return gradients(lambda x, w: convolved(x, w, window, groups), [x, w], g)[1]

    name = f"conv2d_weight_gradient_f32_{name}"
    g = Input((size[0], *window.output(*size[1:]), outputs))
    return Case(name, one_node(name, Conv2dWeightGradient(window, groups), Input((*size, inputs)), g), each(real), 1e-5)


def random_channels(name: str) -> tuple[int, int, int]:
    """Input and output channels, and groups."""
    inputs, outputs, groups = (int(n) for n in rng_for(name).integers(1, (4, 4, 4)))
    return inputs * groups, outputs * groups, groups


CASES = [
    case("one", (1, 1, 1), 1, 1, Window((1, 1))),
    case("pointwise", (2, 3, 5), 7, 4, Window((1, 1))),
    case("same", (1, 7, 5), 3, 5, Window((3, 3), (2, 2), (1, 1), (1, 1, 1, 1))),
    *(case(f"random_{i}", size, *random_channels(f"channels {i}")[:2], window, random_channels(f"channels {i}")[2])
      for i, (size, window) in enumerate(random_windows("conv2d gradients", 4))),
]
