"""Small compiled networks for the co-simulation tests, and copies of them with one thing broken."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from tapeout.compiler.buffers import Buffer
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Builder, Graph, QType, Type
from tapeout.compiler.memory import Demands, plan
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.views import views
from tapeout.targets.c.target import TARGETS
from tapeout.targets.compiled import Compiled
from tapeout.targets.target import Target
from tests.cases import make_graph

CHANNELS = (5, 4, 3)
CODES = QType(8, True, (0.2,), (-5,))


def convolutions() -> Graph:
    """Three int8 convolutions in a row, `y0` to `y2`, whose tensors have odd sizes and cannot share with their neighbours."""
    rng = np.random.default_rng(0)
    build = Builder()
    last, inputs = build.input("x", Type((1, 7, 6, 3), QType(8, True, (0.1,), (3,)))), 3
    for i, outputs in enumerate(CHANNELS):
        w = build.constant(f"w{i}", rng.integers(-127, 128, (outputs, 3, 3, inputs)).astype(np.int8))
        b = build.constant(f"b{i}", rng.integers(-1000, 1000, outputs).astype(np.int32))
        mul = build.constant(f"mul{i}", np.full(outputs, 1 << 30, np.int32))
        shift = build.constant(f"shift{i}", np.full(outputs, 39, np.int8))
        op = Conv2D(pads=(1, 1, 1, 1), requant=Requant(CODES, Rounding.HALF_UP))
        last, inputs = build.add(op, [last, w, b, mul, shift], f"y{i}"), outputs
    return make_graph("net", build, ("x",), (last,))


def two_heads() -> Graph:
    """Float: two inputs and two outputs, one of them computed on the way; `low` may take over its input's memory."""
    rng = np.random.default_rng(1)
    build = Builder()
    build.input("x", Type((1, 5), F32))
    build.input("z", Type((2, 3), F32))
    w = build.constant("w", rng.normal(size=(4, 5)).astype(np.float32))
    v = build.constant("v", rng.normal(size=(2, 3)).astype(np.float32))
    build.add(Dense(), ["x", w, ""], "high")
    build.add(Clip(-1.0, 1.0), ["high"], "low")
    build.add(Dense(), ["z", v, ""], "other")
    return make_graph("heads", build, ("x", "z"), ("other", "low"))


def compiled(graph: Graph, folder: Path) -> Compiled:
    """The graph as C for the host, its buffers apart."""
    folder.mkdir(exist_ok=True)
    return plainly(folder, graph.name, TARGETS[0], graph)


def plainly(folder: Path, name: str, target: Target, graph: Graph) -> Compiled:
    """The graph run by the kernels of the ops' own names, no output over its input: with the code and the places that tests then change."""
    pins = {n.name: target.kernel(graph, n)[1].symbol for n in graph.nodes if n.name not in views(graph).free}
    written = Compiled.write(folder, name, target, graph, pins=pins)
    apart = replace(written, plan=plan(graph, Demands(written.selection.scratch(graph))))
    apart.emit(folder)
    (folder / "plan.json").write_text(apart.plan.to_json())
    return apart


def mutate(model: Compiled, old: str, new: str, file: str = "kernels/conv2d.h") -> Compiled:
    """The model after the first `old` in one of its files became `new`."""
    path = model.folder / file
    text = path.read_text()
    assert old in text, f"{file} no longer holds {old!r}"
    path.write_text(text.replace(old, new, 1))
    return model


def with_buffer(model: Compiled, name: str, change: Callable[[Buffer], Buffer]) -> Compiled:
    """The model under a plan in which one buffer is changed."""
    buffers = tuple(change(b) if b.name == name else b for b in model.plan.buffers)
    return replace(model, plan=replace(model.plan, buffers=buffers))


def shorter(buffer: Buffer) -> Buffer:
    """The buffer without the last node of its life."""
    return replace(buffer, last=buffer.last - 1)
