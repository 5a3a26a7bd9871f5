"""Cases of conv2d_input_gradient: random windows, groups, one channel."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.conv2d_input_gradient import Conv2dInputGradient
from tapeout.compiler.window import Window
from tests.autograd import convolved, each, gradients, random_windows

from . import Case, Constant, Input, one_node, random_floats, rng_for
from .conv2d_weight_gradient import random_channels


def case(name: str, size: tuple[int, int, int], inputs: int, outputs: int, window: Window, groups: int = 1) -> Case:
    name = f"conv2d_input_gradient_f32_{name}"
    w = random_floats(rng_for(name), (outputs, *window.kernel, inputs // groups))

    def real(g: Array) -> Array:
        return gradients(lambda x, w: convolved(x, w, window, groups), [np.zeros((*size, inputs)), w], g)[0]

    op = Conv2dInputGradient(size[1:], window.stride, window.dilation, window.pads, groups)
    g = Input((size[0], *window.output(*size[1:]), outputs))
    return Case(name, one_node(name, op, g, Constant(w)), lambda g, w: each(real)(g), 1e-5)


CASES = [
    case("one", (1, 1, 1), 1, 1, Window((1, 1))),
    case("pointwise", (2, 3, 5), 7, 4, Window((1, 1))),
    case("same", (1, 7, 5), 3, 5, Window((3, 3), (2, 2), (1, 1), (1, 1, 1, 1))),
    *(case(f"random_{i}", size, *random_channels(f"channels {i}")[:2], window, random_channels(f"channels {i}")[2])
      for i, (size, window) in enumerate(random_windows("conv2d gradients", 4))),
]
