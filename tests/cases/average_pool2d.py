"""Cases of average_pool2d: windows inside, padded, dilated and global."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, QType
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.window import Window

from . import Case, Input, Real, one_node, quantized

Q, WIDE = quantized(0.05, -7), quantized(0.0003, 11, 16)
SHAPES = {
    "plain": ((1, 6, 8, 3), Window((2, 2), (2, 2))),
    "global": ((2, 5, 7, 4), Window((5, 7))),
    "padded": ((1, 5, 6, 2), Window((3, 3), (1, 2), (1, 1), (1, 1, 1, 1))),
    "uneven_pads": ((1, 4, 5, 1), Window((3, 2), (2, 1), (1, 1), (2, 0, 1, 1))),
    "dilated": ((1, 7, 7, 2), Window((2, 3), (1, 1), (2, 2), (1, 1, 0, 1))),
    "many_channels": ((2, 5, 7, 11), Window((3, 2), (2, 1), (1, 2), (1, 0, 1, 1))),
    "largest_sum": ((1, 16, 16, 5), Window((16, 16))),
    "larger_sum": ((1, 257, 1, 4), Window((257, 1))),
}


def windows(x: Array, window: Window, reduce: str, fill: float) -> Array:
    """Sums or maxima over windows in float64, one output after another; x (N, B, H, W, C)."""
    top, left, bottom, right = window.pads
    padded = np.pad(x.reshape(-1, *x.shape[2:]), ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    out_h, out_w = window.output(x.shape[2], x.shape[3])
    y = np.zeros((len(padded), out_h, out_w, x.shape[-1]))
    for row in range(out_h):
        for column in range(out_w):
            first_y, first_x = row * window.stride[0], column * window.stride[1]
            rows = first_y + np.arange(window.kernel[0]) * window.dilation[0]
            columns = first_x + np.arange(window.kernel[1]) * window.dilation[1]
            y[:, row, column] = getattr(padded[:, rows][:, :, columns], reduce)(axis=(1, 2))
    return y.reshape(*x.shape[:2], *y.shape[1:])


def real_of(op: AveragePool2D, lo: float, hi: float) -> Real:
    def real(x: Array) -> Array:
        whole = windows(x, op.window, "sum", 0.0)
        inside = windows(np.ones_like(x), op.window, "sum", 1.0 if op.count_include_pad else 0.0)
        return np.clip(whole / inside, lo, hi)

    return real


def codes(name: str, x: tuple[int, ...], op: AveragePool2D, q: QType = Q) -> Case:
    tolerance = 1.0 if op.rounding is Rounding.FLOOR else 0.5
    lo, hi = ((v - q.zero[0]) * q.scale[0] for v in (op.lo, op.hi))
    return Case(name, one_node(name, op, Input(x, q)), real_of(op, lo, hi), tolerance)


def floats(name: str, x: tuple[int, ...], op: AveragePool2D) -> Case:
    lo, hi = (op.clip.lo, op.clip.hi) if op.clip else (-np.inf, np.inf)
    return Case(name, one_node(name, op, Input(x)), real_of(op, lo, hi), 1e-6)


CASES = [
    *(codes(f"average_pool2d_s8_{n}", x, AveragePool2D(w)) for n, (x, w) in SHAPES.items()),
    *(codes(f"average_pool2d_s8_{n}_counting_pads", x, AveragePool2D(w, True)) for n, (x, w) in SHAPES.items() if any(w.pads)),
    *(codes(f"average_pool2d_s8_{r.value}", (1, 4, 4, 9), AveragePool2D(Window((2, 2)), rounding=r))
      for r in Rounding if r is not Rounding.TFLITE),
    codes("average_pool2d_s8_relu", (1, 4, 4, 3), AveragePool2D(Window((2, 1)), lo=-7, hi=50)),
    *(codes(f"average_pool2d_s16_{n}", x, AveragePool2D(w, lo=-32768, hi=32767), WIDE) for n, (x, w) in SHAPES.items()),
    codes("average_pool2d_s16_relu_counting_pads", SHAPES["padded"][0], AveragePool2D(SHAPES["padded"][1], True, lo=0, hi=900), WIDE),
    *(floats(f"average_pool2d_f32_{n}", x, AveragePool2D(w)) for n, (x, w) in SHAPES.items()),
    floats("average_pool2d_f32_counting_pads", *(SHAPES["padded"][0], AveragePool2D(SHAPES["padded"][1], True, clip=Clip(0.0, 1.0)))),
]
