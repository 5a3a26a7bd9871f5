"""A small chain of fully connected layers, and positive and negative samples to train it with, forward only."""
from __future__ import annotations

from itertools import pairwise

import numpy as np

from tapeout.compiler.ir import F32, Array, Builder, Graph, Port, Type, verify
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.reshape import Reshape

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


def samples(count: int, graph: Graph, seed: int = 1) -> dict[str, Array]:
    """Random inputs with labels that are right and wrong in turn, by the names of values of the step."""
    random = np.random.default_rng(seed)
    classes = graph.values["label"].type.size
    label = np.eye(classes, dtype=np.float32)[random.integers(0, classes, (count, 1))]
    target = np.where(np.arange(count) % 2, -1, 1).astype(np.float32)[:, None]
    return {"x": random.standard_normal((count, *graph.values["x"].type.shape)).astype(np.float32), "label": label, "target": target}
