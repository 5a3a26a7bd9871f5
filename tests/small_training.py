"""A small network of every op that has a gradient, at odd sizes, and samples to train it with."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import F32, Array, Builder, Graph, Port, Type, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.mean import Mean
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.softmax import Softmax
from tapeout.compiler.ops.transpose import Transpose
from tapeout.compiler.window import Window

CLASSES = 3


def network(batch: int = 1, softmax: bool = False, mean: bool = False, seed: int = 0) -> Graph:
    """9x7x2 to 3: convolutions of stride 2, by groups and pointwise, a depthwise one, a residual, both poolings, a transpose or,
    with `mean`, the mean over pixels; a softmax at the end if asked for."""
    random = np.random.default_rng(seed)
    build = Builder()
    build.input("x", Type((batch, 9, 7, 2), F32))

    def weights(name: str, *shape: int) -> str:
        return build.constant(name, random.normal(0, 1 / np.sqrt(np.prod(shape[1:]) or 1), shape).astype(np.float32))

    build.add(Conv2D((2, 1), (1, 1), (1, 0, 1, 1), clip=Clip(0.0)), ("x", weights("first.w", 4, 3, 2, 2), weights("first.b", 4)), "first")
    same = DepthwiseConv2D(pads=(2, 1, 0, 1), clip=Clip(0.0, 6.0))
    build.add(same, ("first", weights("deep.w", 3, 3, 8), weights("deep.b", 8)), "deep")
    build.add(Conv2D(groups=2), ("deep", weights("point.w", 4, 1, 1, 4), ""), "point")
    build.add(Add(clip=Clip(0.0)), ("point", "first"), "sum")
    build.add(MaxPool2D(Window((3, 2), (2, 2), (1, 1), (1, 0, 0, 1))), ("sum",), "largest")
    build.add(AveragePool2D(Window((2, 2), (1, 2), (1, 1), (0, 0, 1, 0))), ("largest",), "mean")
    if mean:
        build.add(Mean((1, 2)), ("mean",), "flat")
    else:
        build.add(Transpose((0, 3, 1, 2)), ("mean",), "turned")
        build.add(Reshape((batch, build.values["turned"].type.size // batch)), ("turned",), "flat")
    size = build.values["flat"].type.shape[1]
    build.add(Dense(clip=Clip(-1.0, 2.0)), ("flat", weights("hidden.w", 5, size), weights("hidden.b", 5)), "hidden")
    build.add(Dense(), ("hidden", weights("out.w", CLASSES, 5), weights("out.b", CLASSES)), "out")
    last = build.add(Softmax(), ("out",), "probabilities") if softmax else "out"
    ports = [Port(name, name, "float32", tuple(range(len(build.values[name].type.shape)))) for name in ("x", last)]
    return verify(Graph("net", (ports[0],), (ports[1],), tuple(build.nodes), build.values))


def samples(count: int, batch: int = 1, seed: int = 1) -> dict[str, Array]:
    """Inputs and targets, by the names of values of the step."""
    random = np.random.default_rng(seed)
    target = np.eye(CLASSES, dtype=np.float32)[random.integers(0, CLASSES, (count, batch))]
    return {"x": random.standard_normal((count, batch, 9, 7, 2)).astype(np.float32), "target": target}
