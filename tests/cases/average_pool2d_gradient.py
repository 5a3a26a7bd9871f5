"""Cases of average_pool2d_gradient: windows inside, padded, dilated, global and by chance."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.average_pool2d_gradient import AveragePool2dGradient
from tapeout.compiler.window import Window
from tests.autograd import depthwise, each, gradients, random_windows

from . import Case, Input, one_node
from .average_pool2d import SHAPES


def case(name: str, x: tuple[int, ...], window: Window, count_include_pad: bool = False) -> Case:
    def real(g: Array) -> Array:
        counts = window.kernel[0] * window.kernel[1] if count_include_pad else window.taps(*x[1:3])[:, :, None]
        ones = np.ones((*window.kernel, x[3]))
        return gradients(lambda x, w: depthwise(x, w, window), [np.zeros(x), ones], g / counts)[0]

    name = f"average_pool2d_gradient_f32_{name}"
    op = AveragePool2dGradient((x[1], x[2]), window, count_include_pad)
    return Case(name, one_node(name, op, Input((x[0], *window.output(*x[1:3]), x[3]))), each(real), 1e-5)


CASES = [
    *(case(name, x, window, name == "uneven_pads") for name, (x, window) in SHAPES.items()),
    *(case(f"random_{i}", (*size, 1 + i % 4), window, i % 2 > 0)
      for i, (size, window) in enumerate(random_windows("pools", 4, padded_windows=False))),
]
