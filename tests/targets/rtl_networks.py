"""Small networks for the target rtl whose streams fork and join, of codes of any width and by any rounding."""
from __future__ import annotations

from dataclasses import replace

import numpy as np

from tapeout.compiler.elementwise import SumScaling
from tapeout.compiler.fixed import Rounding, multiplier
from tapeout.compiler.ir import Builder, Graph, QType, Type
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.window import Window
from tests.cases import make_graph, random_of, rng_for

CHANNELS = 4


def residual(bits: int, rounding: Rounding, size: tuple[int, int] = (9, 7)) -> Graph:
    """Two blocks as ResNet has them: one whose input joins what two convolutions make of it, and one that halves the image, with a
    convolution of 1 x 1 on the way past; then the mean of the plane, and a layer."""
    name = f"residual_{bits}_{rounding.value}"
    rng, builder, q = rng_for(name), Builder(), QType(bits, True, (0.5,), (1,))

    def layer(op: Conv2D | Dense, x: str, w: tuple[int, ...], made: str) -> str:
        outputs, taps = w[0], int(np.prod(w[1:]))
        builder.constant(f"{made}_w", random_of(rng, w, QType(bits)), QType(bits, True, (0.25,)))
        builder.constant(f"{made}_b", rng.integers(-20, 20, outputs).astype(np.int32), QType(32, True, (0.125,)))
        pairs = [multiplier(float(s) / 2 ** (bits - 1) / taps**0.5) for s in rng.uniform(1, 3, outputs)]
        builder.constant(f"{made}_m", np.array([m for m, _ in pairs], np.int32))
        builder.constant(f"{made}_s", np.array([s for _, s in pairs], np.int8))
        stage = Requant(q, rounding, q.min, q.max)
        operands = [x, *(f"{made}_{kind}" for kind in "wbms")]
        return builder.add(replace(op, requant=stage), operands, made)

    def join(x: str, y: str, made: str) -> str:
        return builder.add(Add(SumScaling.of(q, q, q, rounding, q.min, q.max)), (x, y), made)

    around, half = Conv2D(pads=(1, 1, 1, 1)), Conv2D((2, 2), pads=(1, 1, 1, 1))
    builder.input("x", Type((1, *size, CHANNELS), q))
    first = layer(around, layer(around, "x", (6, 3, 3, CHANNELS), "conv1"), (CHANNELS, 3, 3, 6), "conv2")
    joined = join(first, "x", "sum1")
    second = layer(around, layer(half, joined, (6, 3, 3, CHANNELS), "conv3"), (6, 3, 3, 6), "conv4")
    past = layer(Conv2D((2, 2)), joined, (6, 1, 1, CHANNELS), "past")
    last = join(second, past, "sum2")
    plane = builder.values[last].type.shape[1:3]
    pooled = builder.add(AveragePool2D(Window((plane[0], plane[1])), lo=q.min, hi=q.max), (last,), "mean")
    flat = builder.add(Reshape((1, 6)), (pooled,), "flat")
    return make_graph(name, builder, ["x"], [layer(Dense(), flat, (3, 6), "y")])
