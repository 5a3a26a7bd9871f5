"""Cases of depthwise_conv2d_weight_gradient: random windows, channel multipliers, one channel."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.depthwise_conv2d_weight_gradient import DepthwiseConv2dWeightGradient
from tapeout.compiler.window import Window
from tests.autograd import depthwise, each, gradients, random_windows

from . import Case, Input, one_node

WINDOWS = list(enumerate(random_windows("depthwise gradients", 4)))


def case(name: str, size: tuple[int, int, int], inputs: int, multiplier: int, window: Window) -> Case:
    def real(x: Array, g: Array) -> Array:
        w = np.zeros((*window.kernel, inputs * multiplier))
        return gradients(lambda x, w: depthwise(x, w, window), [x, w], g)[1]

    name = f"depthwise_conv2d_weight_gradient_f32_{name}"
    g = Input((size[0], *window.output(*size[1:]), inputs * multiplier))
    return Case(name, one_node(name, DepthwiseConv2dWeightGradient(window), Input((*size, inputs)), g), each(real), 1e-5)


CASES = [
    case("one", (1, 1, 1), 1, 1, Window((1, 1))),
    case("same", (1, 7, 5), 3, 1, Window((3, 3), (2, 2), (1, 1), (1, 1, 1, 1))),
    *(case(f"random_{i}", size, 1 + i % 5, 1 + i % 3, window) for i, (size, window) in WINDOWS),
]
