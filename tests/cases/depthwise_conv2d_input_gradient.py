"""Cases of depthwise_conv2d_input_gradient: random windows, channel multipliers, one channel."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.depthwise_conv2d_input_gradient import DepthwiseConv2dInputGradient
from tapeout.compiler.window import Window
from tests.autograd import depthwise, each, gradients, random_windows

from . import Case, Constant, Input, one_node, random_floats, rng_for

WINDOWS = list(enumerate(random_windows("depthwise gradients", 4)))


def case(name: str, size: tuple[int, int, int], inputs: int, multiplier: int, window: Window) -> Case:
    name = f"depthwise_conv2d_input_gradient_f32_{name}"
    w = random_floats(rng_for(name), (*window.kernel, inputs * multiplier))

    def real(g: Array) -> Array:
        return gradients(lambda x, w: depthwise(x, w, window), [np.zeros((*size, inputs)), w], g)[0]

    op = DepthwiseConv2dInputGradient((*size[1:], inputs), window.stride, window.dilation, window.pads)
    g = Input((size[0], *window.output(*size[1:]), inputs * multiplier))
    return Case(name, one_node(name, op, g, Constant(w)), lambda g, w: each(real)(g), 1e-5)


CASES = [
    case("one", (1, 1, 1), 1, 1, Window((1, 1))),
    case("same", (1, 7, 5), 3, 1, Window((3, 3), (2, 2), (1, 1), (1, 1, 1, 1))),
    *(case(f"random_{i}", size, 1 + i % 5, 1 + i % 3, window) for i, (size, window) in WINDOWS),
]
