"""Layers and their gradients on the RTL of pulp-fp16, in FP16 and in fused FP32: `python -m benchmarks.training_layers` (minutes).

Writes benchmarks/training_layers.md: cycles of one core, and how many times fewer FP16 takes than our best FP32 on the same core.
"""
from __future__ import annotations

import datetime
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.cortexm import ROOT
from tapeout.compiler.ir import F16, F32, Array, Builder, FType, Graph, Op, Port, Type, verify
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.conv2d_input_gradient import Conv2dInputGradient
from tapeout.compiler.ops.conv2d_weight_gradient import Conv2dWeightGradient
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.run import run
from tapeout.compiler.window import Window
from tapeout.cosim.compare import compare
from tapeout.cosim.rtl.machine import RTL_CORE
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled

HEAD = """\
# Layers and their gradients in FP16 and FP32

Measured {date} by `python -m benchmarks.training_layers` on the RTL of one core of pulp-fp16, whose memory answers in one cycle: sums in
f16 by fused multiply-adds of two lanes, and in f32 by fused ones, by kernels of the same blocks. Every element equals the reference.
MACs are those inside of the input: taps in the padding are not counted. The product of 64x64x64 has constant weights; those of the
convolutions change, so that each call of the forward pass transposes them.

| what | phase | MACs | FP16 cycles | MAC/cycle | FP32 cycles | MAC/cycle | FP32 over FP16 |
|---|---|---|---|---|---|---|---|
"""
FORMATS = {"FP16": F16, "FP32": F32}
SIZES = ((16, 16), (32, 16), (64, 8))  # channels in and out, height and width


@dataclass(frozen=True)
class Work:
    """An op on operands of these shapes; those named in `constant` are constants."""

    op: Op
    shapes: tuple[tuple[int, ...], ...]
    constant: tuple[int, ...] = ()
    absent: int = 0  # optional operands at the end that are not there

    def graph(self, q: FType, random: np.random.Generator) -> Graph:
        build = Builder()
        for index, shape in enumerate(self.shapes):
            if index in self.constant:
                build.constant(f"x{index}", random.normal(size=shape).astype(q.dtype), q)
            else:
                build.input(f"x{index}", Type(shape, q))
        names = [f"x{index}" for index in range(len(self.shapes))]
        build.add(self.op, [*names, *[""] * self.absent], "y")

        def port(name: str) -> Port:
            return Port(name, name, q.dtype.name, tuple(range(len(build.values[name].type.shape))))

        inputs = tuple(port(name) for index, name in enumerate(names) if index not in self.constant)
        return verify(Graph("net", inputs, (port("y"),), tuple(build.nodes), build.values))


def convolution(channels: int, size: int, q: FType) -> dict[str, Work]:
    """The three phases of a 3x3 convolution that keeps its size."""
    sums = {"accumulator": q, "fused": q == F32}
    x, w = (1, size, size, channels), (channels, 3, 3, channels)
    window = Window((3, 3), (1, 1), (1, 1), (1, 1, 1, 1))
    return {
        "forward": Work(Conv2D(pads=window.pads, **sums), (x, w), (1,), 1),
        "weight gradient": Work(Conv2dWeightGradient(window, **sums), (x, x)),
        "input gradient": Work(Conv2dInputGradient((size, size), pads=window.pads, **sums), (x, w), (1,)),
    }


def cycles(work: Work, q: FType) -> int:
    """Of one run, whose outputs equal the reference."""
    random = np.random.default_rng(0)
    graph = work.graph(q, random)
    values: dict[str, Array] = {
        name: random.normal(size=(1, *graph.values[name].type.shape)).astype(q.dtype) for name in graph.input_names
    }
    with tempfile.TemporaryDirectory(prefix="tapeout-") as folder:
        node = graph.nodes[0]
        changing = {node.name: f"{node.op.symbol(graph.types(node))}_pulp"} if isinstance(work.op, Conv2D) else {}
        compiled = Compiled.write(Path(folder), "net", find_target("pulp-fp16"), graph, pins=changing)
        comparison = compare(run(graph, values), RTL_CORE.run(compiled, values), graph)
        assert comparison.differ == 0, comparison.text(RTL_CORE.name)
        return RTL_CORE.cycles(compiled, values).run


def row(what: str, phase: str, macs: int, found: Sequence[int]) -> str:
    half, single = found
    cells = (what, phase, f"{macs:,}", f"{half:,}", f"{macs / half:.3f}", f"{single:,}", f"{macs / single:.3f}", f"**{single / half:.2f}**")
    return f"| {' | '.join(cells)} |\n"


def main() -> None:
    product = [Work(Dense(accumulator=q, fused=q == F32), ((64, 64), (64, 64)), (1,), 1) for q in FORMATS.values()]
    text = row("64x64x64", "product", 64**3, [cycles(w, q) for w, q in zip(product, FORMATS.values(), strict=True)])
    for channels, size in SIZES:
        what, totals = f"3x3, {channels} channels, {size}x{size}", [0, 0]
        macs = (3 * size - 2) ** 2 * channels**2
        phases = [convolution(channels, size, q) for q in FORMATS.values()]
        for phase in phases[0]:
            found = [cycles(works[phase], q) for works, q in zip(phases, FORMATS.values(), strict=True)]
            totals = [a + b for a, b in zip(totals, found, strict=True)]
            text += row(what, phase, macs, found)
        text += row(what, "all three", 3 * macs, totals)
    head = HEAD.format(date=datetime.date.today())
    (ROOT / "benchmarks" / "training_layers.md").write_text(head + text)
    print(text, end="")


if __name__ == "__main__":
    main()
