"""Shapes for kernels that compute channels in panels of 16, 8 and 2 halves: leftovers of each, strides, padding, odd sizes, bias."""
from __future__ import annotations

from dataclasses import replace

import numpy as np

from tapeout.compiler.gradient import LayerGradient
from tapeout.compiler.ir import F16, F32, Op
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.conv2d_input_gradient import Conv2dInputGradient
from tapeout.compiler.ops.conv2d_weight_gradient import Conv2dWeightGradient
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.dense_input_gradient import DenseInputGradient
from tapeout.compiler.ops.dense_weight_gradient import DenseWeightGradient
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.depthwise_conv2d_input_gradient import DepthwiseConv2dInputGradient
from tapeout.compiler.ops.depthwise_conv2d_weight_gradient import DepthwiseConv2dWeightGradient
from tapeout.compiler.window import Window
from tests.cases import Case, Constant, Input, Operand, in_format, one_node, random_floats, rng_for

COUNT = 20
CHANNELS = (1, 2, 3, 5, 8, 9, 12, 16, 17, 23, 33)


def shapes(op: str) -> list[Case]:
    """`COUNT` layers, each with sums in f16 and fused in f32."""
    found = []
    for number in range(COUNT):
        name = f"{op}_f32_shape_{number}"
        kind, operands = _layer(op, rng_for(name))
        case = Case(name, one_node(name, kind, *operands))
        assert isinstance(kind, Conv2D | DepthwiseConv2D | Dense | LayerGradient)
        found += [in_format(case, F16, replace(kind, accumulator=F16)), in_format(case, F32, replace(kind, fused=True))]
    return found


def _window(rng: np.random.Generator) -> tuple[Window, tuple[int, int, int]]:
    """A window, and batches, height and width of what it moves over."""
    kernel, stride = rng.integers(1, 4, 2), rng.integers(1, 3, 2)
    pads = [int(rng.integers(0, k)) for k in (*kernel, *kernel)]
    dilation = [int(rng.integers(1, 3)) if s == 1 else 1 for s in stride]
    reach = [(int(k) - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    height, width = (r + int(rng.integers(0, 5)) for r in reach)
    window = Window((int(kernel[0]), int(kernel[1])), (int(stride[0]), int(stride[1])), (dilation[0], dilation[1]), (*pads,))  # type: ignore[arg-type]
    return window, (int(rng.integers(1, 3)), height, width)


def _layer(op: str, rng: np.random.Generator) -> tuple[Op, tuple[Operand, ...]]:
    inputs, outputs = (int(n) for n in rng.choice(CHANNELS, 2))
    clip = Clip(0.0, float(rng.choice([np.inf, 1.0001]))) if rng.random() < 0.3 else None

    def weights(*shape: int) -> Constant:
        return Constant(random_floats(rng, shape))

    if op.startswith("dense"):
        rows, w, b = int(rng.integers(1, 5)), weights(outputs, inputs), weights(outputs) if rng.random() < 0.7 else None
        x, g = Input((rows, inputs)), Input((rows, outputs))
        dense: dict[str, tuple[Op, tuple[Operand, ...]]] = {
            "dense": (Dense(clip=clip), (x, w, b)), "dense_input_gradient": (DenseInputGradient(), (g, w)),
            "dense_weight_gradient": (DenseWeightGradient(), (x, g)),
        }
        return dense[op]
    window, size = _window(rng)
    outputs = inputs if op.startswith("depthwise") else outputs
    b = weights(outputs) if rng.random() < 0.7 else None
    x, g = Input((*size, inputs)), Input((size[0], *window.output(*size[1:]), outputs))
    w = weights(*window.kernel, inputs) if op.startswith("depthwise") else weights(outputs, *window.kernel, inputs)
    place = window.stride, window.dilation, window.pads
    layers: dict[str, tuple[Op, tuple[Operand, ...]]] = {
        "conv2d": (Conv2D(*place, clip=clip), (x, w, b)),
        "conv2d_input_gradient": (Conv2dInputGradient(size[1:], *place), (g, w)),
        "conv2d_weight_gradient": (Conv2dWeightGradient(window), (x, g)),
        "depthwise_conv2d": (DepthwiseConv2D(*place, clip=clip), (x, w, b)),
        "depthwise_conv2d_input_gradient": (DepthwiseConv2dInputGradient((*size[1:], inputs), *place), (g, w)),
        "depthwise_conv2d_weight_gradient": (DepthwiseConv2dWeightGradient(window), (x, g)),
    }
    return layers[op]
