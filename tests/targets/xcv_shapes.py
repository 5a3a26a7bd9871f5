"""Layers of random small shapes for the kernels of cv32e40p-xcv: odd sizes, leftovers, strides, padding, with bias and without."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.requant import Requant
from tests.cases import Case, quantized
from tests.cases import conv2d as of_conv2d
from tests.cases import dense as of_dense
from tests.cases import depthwise_conv2d as of_depthwise

COUNT = 24  # of each kernel


def _requant(random: np.random.Generator, i: int) -> Requant:
    zero = int(random.integers(-128, 100))
    lo = zero if i % 3 == 0 else -128  # as a relu does
    return Requant(quantized(0.3, zero), (Rounding.TFLITE, Rounding.HALF_UP)[i % 2], lo, 127 if i % 4 else 110)


def _pads(random: np.random.Generator) -> tuple[int, int, int, int]:
    top, left, bottom, right = (int(p) for p in random.integers(0, 3, 4))
    return top, left, bottom, right


def _conv2d(random: np.random.Generator, i: int) -> Case:
    k_h, k_w, in_c, out_c = (int(random.integers(1, most)) for most in (4, 4, 9, 10))
    height, width = (int(random.integers(k, k + 5)) for k in (k_h, k_w))
    stride = int(random.integers(1, 3)), int(random.integers(1, 3))
    op = Conv2D(stride, pads=_pads(random), requant=_requant(random, i))
    return of_conv2d.codes(f"conv2d_xcv_{i}", (1, height, width, in_c), (out_c, k_h, k_w, in_c), op, i % 5 > 0, i % 4 > 0)


def _pointwise(random: np.random.Generator, i: int) -> Case:
    """Two in three of 1 x 1, the others larger, all without padding."""
    k = (1, 1, 2)[i % 3]
    height, width = (int(random.integers(k, k + 5)) for _ in range(2))
    in_c, out_c, stride = int(random.integers(4, 14)), int(random.integers(1, 10)), int(random.integers(1, 3))
    op = Conv2D((stride, stride), requant=_requant(random, i))
    return of_conv2d.codes(f"conv2d_xcv_direct_{i}", (1, height, width, in_c), (out_c, k, k, in_c), op, i % 5 > 0, i % 4 > 0)


def _depthwise(random: np.random.Generator, i: int) -> Case:
    height, width, channels = int(random.integers(3, 8)), int(random.integers(3, 8)), int(random.integers(2, 8))
    stride = int(random.integers(1, 3)), int(random.integers(1, 4))
    op = DepthwiseConv2D(stride, pads=_pads(random), requant=_requant(random, i))
    name, zero = f"depthwise_conv2d_xcv_{i}", int(random.integers(-128, 128))
    return of_depthwise.codes(name, (1, height, width, channels), (3, 3, channels), op, i % 5 > 0, i % 4 > 0, zero)


def _dense(random: np.random.Generator, i: int) -> Case:
    rows, inputs, outputs = int(random.integers(1, 6)), int(random.integers(4, 40)), int(random.integers(1, 14))
    return of_dense.codes(f"dense_xcv_{i}", (rows, inputs), outputs, _requant(random, i), i % 5 > 0, i % 4 > 0)


KERNELS: dict[str, Callable[[np.random.Generator, int], Case]] = {
    "conv2d_s8_xcv": _conv2d, "conv2d_s8_xcv_direct": _pointwise, "depthwise_conv2d_s8_xcv": _depthwise, "dense_s8_xcv": _dense,
}


def shapes(kernel: str) -> list[Case]:
    """Cases that a kernel takes, the same each time."""
    random = np.random.default_rng(len(kernel))
    return [KERNELS[kernel](random, i) for i in range(COUNT)]
