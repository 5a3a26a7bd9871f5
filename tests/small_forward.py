"""Small chains of layers, and positive and negative samples to train them with, forward only."""
from __future__ import annotations

from itertools import pairwise

import numpy as np

from tapeout.compiler.ir import F32, Array, Builder, Graph, Port, Type, verify
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.transpose import Transpose
from tapeout.compiler.window import Window

CLASSES = 3


def network(*widths: int, seed: int = 0) -> Graph:
    """Relu layers of these widths behind an image of 1x3x(widths[0] / 3)x1, the last one, without relu, of as many as there are classes."""
    random = np.random.default_rng(seed)
    build = Builder()
    build.input("x", Type((1, 3, widths[0] // 3, 1), F32))
    x = build.add(Reshape((1, widths[0])), ("x",), "flat")
    for number, (inputs, outputs) in enumerate(pairwise(widths)):
        w = build.constant(f"layer{number}.weight", random.normal(0, np.sqrt(2 / inputs), (outputs, inputs)).astype(np.float32))
        b = build.constant(f"layer{number}.bias", np.zeros(outputs, np.float32))
        x = build.add(Dense(clip=Clip(0.0) if number < len(widths) - 2 else None), (x, w, b), f"layer{number}")
    ports = [Port(name, name, "float32", tuple(range(len(build.values[name].type.shape)))) for name in ("x", x)]
    return verify(Graph("net", (ports[0],), (ports[1],), tuple(build.nodes), build.values))


def convolutions(seed: int = 0) -> Graph:
    """9x7x2 to 3 at odd sizes: a convolution of stride 2, a maximum pooling, a depthwise one, one by groups without a bias, an average
    pooling, a flattening by channels, and two fully connected layers."""
    random = np.random.default_rng(seed)
    build = Builder()
    build.input("x", Type((1, 9, 7, 2), F32))

    def weights(name: str, *shape: int) -> str:
        return build.constant(name, random.normal(0, np.sqrt(2 / (np.prod(shape[1:]) or 1)), shape).astype(np.float32))

    relu = Clip(0.0)
    build.add(Conv2D((2, 1), (1, 1), (1, 0, 1, 1), clip=relu), ("x", weights("first.w", 5, 3, 2, 2), weights("first.b", 5)), "first")
    build.add(MaxPool2D(Window((2, 2), (1, 2), (1, 1), (0, 0, 1, 1))), ("first",), "largest")
    build.add(DepthwiseConv2D(pads=(1, 1, 1, 1), clip=relu), ("largest", weights("deep.w", 3, 3, 10), weights("deep.b", 10)), "deep")
    build.add(Conv2D(groups=2, clip=relu), ("deep", weights("point.w", 6, 1, 1, 5), ""), "point")
    build.add(AveragePool2D(Window((2, 2), (2, 2), (1, 1), (0, 0, 1, 0))), ("point",), "mean")
    build.add(Transpose((0, 3, 1, 2)), ("mean",), "turned")
    size = build.values["turned"].type.size
    build.add(Reshape((1, size)), ("turned",), "flat")
    build.add(Dense(clip=relu), ("flat", weights("hidden.w", 7, size), weights("hidden.b", 7)), "hidden")
    build.add(Dense(), ("hidden", weights("out.w", CLASSES, 7), weights("out.b", CLASSES)), "out")
    ports = [Port(name, name, "float32", tuple(range(len(build.values[name].type.shape)))) for name in ("x", "out")]
    return verify(Graph("net", (ports[0],), (ports[1],), tuple(build.nodes), build.values))


def pictures(*channels: int, hidden: int = 0, seed: int = 0) -> Graph:
    """10x10x1 to 10: 3x3 convolutions to these channels, behind the first one a maximum pooling by 2, then fully connected layers."""
    random = np.random.default_rng(seed)
    build, x = Builder(), "x"
    build.input(x, Type((1, 10, 10, 1), F32))

    def layer(name: str, outputs: int, *window: int) -> tuple[str, str]:
        w = random.normal(0, np.sqrt(2 / np.prod(window)), (outputs, *window)).astype(np.float32)
        return build.constant(f"{name}.w", w), build.constant(f"{name}.b", np.zeros(outputs, np.float32))

    for number, (inputs, outputs) in enumerate(pairwise((1, *channels))):
        name = f"conv{number}"
        x = build.add(Conv2D(pads=(1, 1, 1, 1), clip=Clip(0.0)), (x, *layer(name, outputs, 3, 3, inputs)), name)
        if not number:
            x = build.add(MaxPool2D(Window((2, 2), (2, 2))), (x,), "pool")
    x = build.add(Reshape((1, build.values[x].type.size)), (x,), "flat")
    if hidden:
        x = build.add(Dense(clip=Clip(0.0)), (x, *layer("hidden", hidden, build.values[x].type.size)), "hidden")
    x = build.add(Dense(), (x, *layer("out", 10, build.values[x].type.size)), "out")
    ports = [Port(name, name, "float32", tuple(range(len(build.values[name].type.shape)))) for name in ("x", x)]
    return verify(Graph("net", (ports[0],), (ports[1],), tuple(build.nodes), build.values))


def samples(count: int, graph: Graph, seed: int = 1) -> dict[str, Array]:
    """Random inputs with labels that are right and wrong in turn, by the names of values of the step."""
    random = np.random.default_rng(seed)
    classes = graph.values["label"].type.size
    label = np.eye(classes, dtype=np.float32)[random.integers(0, classes, (count, 1))]
    target = np.where(np.arange(count) % 2, -1, 1).astype(np.float32)[:, None]
    return {"x": random.standard_normal((count, *graph.values["x"].type.shape)).astype(np.float32), "label": label, "target": target}
