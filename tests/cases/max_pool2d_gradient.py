"""Cases of max_pool2d_gradient: windows inside, padded, dilated, global and by chance."""
from __future__ import annotations

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.max_pool2d_gradient import MaxPool2dGradient
from tapeout.compiler.window import Window
from tests.autograd import each, gradients, max_pooled, random_windows

from . import Case, Input, one_node
from .average_pool2d import SHAPES


def case(name: str, x: tuple[int, ...], window: Window) -> Case:
    def real(x: Array, g: Array) -> Array:
        return gradients(lambda x: max_pooled(x, window), [x], g)[0]

    name = f"max_pool2d_gradient_f32_{name}"
    g = Input((x[0], *window.output(*x[1:3]), x[3]))
    return Case(name, one_node(name, MaxPool2dGradient(window), Input(x), g), each(real), 1e-5)


CASES = [
    *(case(name, x, window) for name, (x, window) in SHAPES.items()),
    *(case(f"random_{i}", (*size, 1 + i % 4), window)
      for i, (size, window) in enumerate(random_windows("pools", 4, padded_windows=False))),
]
