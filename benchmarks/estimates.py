"""Fits the model of what layers take of a device (`targets/rtl/estimates.toml`) to synthesized layers, and writes how far it is off.

    python -m benchmarks.estimates --synthesize   # some 20 minutes: yosys on random chains of layers; writes benchmarks/estimates.json
    python -m benchmarks.estimates                # fits, writes estimates.toml and benchmarks/estimates.md
"""
from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from tapeout.compiler.accumulate import Stage
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, Builder, Graph, Port, QType, Type, verify
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.threshold import Threshold
from tapeout.compiler.synthesis import Resources
from tapeout.compiler.window import Window
from tapeout.targets.rtl.device import find_device
from tapeout.targets.rtl.emit import write_design
from tapeout.targets.rtl.estimate import Terms, joints_of, terms
from tapeout.targets.rtl.instance import Fold, Instance
from tapeout.targets.rtl.library import kernel_for
from tapeout.targets.rtl.memories import Made
from tapeout.targets.rtl.synth import synthesize

HERE = Path(__file__).parent
COSTS = HERE.parent / "targets" / "rtl" / "estimates.toml"
DEVICES = ("ecp5-85k", "ice40-hx8k", "gowin-gw2ar18")  # one of each family
CHAINS, LAYERS = 18, 4
KINDS = ("lut", "ff", "dsp", "bram")
# What a bit of each term takes as the modules are written: registers by their stages, a table for a bit of an adder or a multiplexer.
TEXT = {
    "lut": {
        "adders": 1, "sums": 2, "agreements": 1, "shifted": 1, "product": 1, "scaled": 1, "rounded": 1, "codes": 1, "compared": 0.5,
        "counted": 1, "joint": 1, "ram_tables": 6, "rom_bits": 0.1, "ram_bits": 1, "walk": 3, "window": 40, "window_places": 1,
        "window_counters": 6,
    },
    "ff": {
        "operands": 1, "biases": 1, "products": 1, "totals": 1, "sums": 1, "scaled": 1, "rounded": 1, "codes": 1, "joint": 1,
        "ram_bits": 1, "walk": 1, "layer": 16, "stage": 4, "window_counters": 8, "window_lanes": 1,
    },
}  # fmt: skip
BIPOLAR = QType(1, bipolar=True, packed=True)


@dataclass(frozen=True)
class Point:
    """A layer of a chain that was synthesized: what it took."""

    family: str
    chain: int
    node: str
    fold: str
    used: Resources

    def instance(self) -> tuple[Instance, list[int], str]:
        """The layer as the chain has it now, what joins it to the one before it, and its name for the table."""
        graph, folds = chain_of(self.chain)
        node = next(n for n in graph.nodes if n.name == self.node)
        assert str(folds[self.node]) == self.fold, "chains have changed; synthesize them again"
        made = kernel_for(graph, node).instance(graph, node, folds[self.node])
        x, w = (graph.values[name].type.quantized.bits for name in (*node.inputs, node.inputs[0])[:2])
        shape = f"{graph.values[node.inputs[0]].type.dims} -> {graph.values[node.name].type.dims}, {x} by {w} bits"
        return made, joints_of(graph, folds)[self.node], f"{node.op.name()} {made.params.get('STAGE', '')}".strip() + f" | {shape}"

    def found(self) -> tuple[Made, int, Terms]:
        made, joints, _ = self.instance()
        known = terms(made, joints, self.family)
        assert known
        return known

    def terms(self) -> Terms:
        return self.found()[2]


class Chain:
    """Random layers one behind the other, in few bits or in bytes, each in a random fold."""

    def __init__(self, number: int) -> None:
        self.rng, self.builder = np.random.default_rng(number), Builder()
        self.folds: dict[str, Fold] = {}
        self.number, self.count = number, 0

    def pick(self, *choices: Any) -> Any:
        return choices[self.rng.integers(len(choices))]

    def graph(self) -> Graph:
        bipolar = self.number % 6 == 5
        image = self.number % 3 == 2 and not bipolar
        first = BIPOLAR if bipolar else QType(int(self.pick(2, 3, 4, 6, 8, 8, 16)), bool(self.pick(True, False)))
        shape = (1, 8, self.pick(8, 12), self.pick(2, 4, 8)) if image else (1, self.pick(16, 32, 64, 128))
        value, type = self.builder.input("x", Type(shape, first)), Type(shape, first)
        for _ in range(LAYERS):
            value, type = self.layer(value, type)
        port = self.port
        return verify(Graph("chain", (port("x"),), (port(value),), tuple(self.builder.nodes), self.builder.values))

    def port(self, value: str) -> Port:
        type = self.builder.values[value].type
        return Port(value, value, type.q.dtype.name, tuple(range(len(type.shape))))

    def layer(self, value: str, type: Type) -> tuple[str, Type]:
        self.count += 1
        name, q = f"layer{self.count}", type.quantized
        if len(type.shape) == 4 and self.count == 3 and type.shape[1] >= 4:
            self.builder.add(MaxPool2D(Window((2, 2), (2, 2)), q.min, q.max), (value,), name)
            return self.folded(name)
        if len(type.shape) == 4 and self.count == 2:
            return self.depthwise(name, value, type)
        outputs = int(self.pick(4, 8, 16, 24, 48))
        kernel = self.pick(1, 3) if len(type.shape) == 4 else 1
        window = (kernel, kernel) if len(type.shape) == 4 else ()
        w = BIPOLAR if q.bipolar else QType(int(self.pick(2, 3, 4, 6, 8)))
        weights = self.random((outputs, *window, type.shape[-1]), w)
        stage, extra = self.stage(name, outputs, q, w, weights[0].size) if self.count < LAYERS else (None, ())
        inputs = (value, self.builder.constant(f"{name}_w", weights, w), "" if q.bipolar else self.bias(name, outputs), *extra)
        pad = kernel // 2
        op = Conv2D(pads=(pad,) * 4, requant=stage) if window else Dense(stage)
        self.builder.add(op, inputs, name)
        return self.folded(name)

    def depthwise(self, name: str, value: str, type: Type) -> tuple[str, Type]:
        q, w, channels = type.quantized, QType(int(self.pick(3, 4, 8))), type.shape[3]
        stage, extra = self.stage(name, channels, q, w, 9)
        weights = self.builder.constant(f"{name}_w", self.random((3, 3, channels), w), w)
        self.builder.add(DepthwiseConv2D(pads=(1,) * 4, requant=stage), (value, weights, self.bias(name, channels), *extra), name)
        return self.folded(name)

    def random(self, shape: tuple[int, ...], q: QType) -> Array:
        return self.rng.integers(q.min, q.max + 1, shape).astype(q.dtype)

    def bias(self, name: str, outputs: int) -> str:
        return self.builder.constant(f"{name}_b", self.rng.integers(-500, 500, outputs).astype(np.int32), QType(32))

    def stage(self, name: str, outputs: int, x: QType, w: QType, inputs: int) -> tuple[Stage | None, tuple[str, ...]]:
        reach = max(inputs * max(abs(x.min), x.max) * max(abs(w.min), w.max) // 4, 8)
        if x.bipolar or (x.bits <= 4 and self.pick(True, False)):
            levels = 1 if x.bipolar else int(self.pick(3, 7))
            t = np.sort(self.rng.integers(-reach, reach, (outputs, levels)), axis=1).astype(np.int32)
            kept = (self.builder.constant(f"{name}_t", t), self.builder.constant(f"{name}_d", np.zeros(outputs, np.int8)))
            return Threshold(BIPOLAR if x.bipolar else QType(2 if levels == 3 else 3, False)), kept
        y, many = QType(int(self.pick(3, 4, 6, 8)), bool(self.pick(True, False))), self.pick(True, False)
        mul = self.rng.integers(1 << 6, 1 << 8, outputs if many else 1) if self.pick(True, True, False) else np.ones(1, np.int64)
        shift = np.full(mul.shape, max(reach.bit_length() + int(mul.max()).bit_length() - y.bits, 1), np.int8)
        kept = (self.builder.constant(f"{name}_m", mul.astype(np.int32)), self.builder.constant(f"{name}_s", shift))
        return Requant(y, self.pick(Rounding.HALF_UP, Rounding.HALF_EVEN), y.min, y.max), kept

    def folded(self, name: str) -> tuple[str, Type]:
        type, node = self.builder.values[name].type, self.builder.nodes[-1]
        graph = Graph("part", (), (), (node,), self.builder.values)
        sizes = kernel_for(graph, node).folds(graph, node)
        pe, simd = (self.pick(*[n for n in range(1, min(size, 8) + 1) if size % n == 0]) for size in sizes)
        self.folds[name] = Fold(int(pe), int(simd) if pe * simd <= 8 else 1)
        return name, type


@cache
def chain_of(number: int) -> tuple[Graph, dict[str, Fold]]:
    chain = Chain(number)
    return chain.graph(), chain.folds


def measured(number: int) -> Iterator[Point]:
    """The layers of one chain on each family."""
    graph, folds = chain_of(number)
    with tempfile.TemporaryDirectory(prefix="tapeout-") as place:
        design = Path(place) / "design"
        write_design(graph, design, folds)
        for device in map(find_device, DEVICES):
            layers = synthesize(design, Path(place) / "netlist", device).layers
            yield from (Point(device.family, number, n.name, str(folds[n.name]), layers[n.name]) for n in graph.nodes)


def fitted(points: list[Point], kind: str) -> dict[str, float]:
    """What a unit of each term costs: no less than 0, least squares of errors relative to the square root of a layer's size, with each
    term held to its count in the text of the modules (`TEXT`) as by one more layer."""
    counts = [point.terms() for point in points]
    names = sorted({term for found in counts for term in found})
    used = np.array([point.used.named()[kind] for point in points], float)
    weight = 1 / np.sqrt(np.maximum(used, 1))
    matrix = np.array([[found.get(name, 0) for name in names] for found in counts], float)
    scaled, prior = matrix * weight[:, None], np.array([TEXT[kind].get(name, 0.0) for name in names])
    held = np.diag(np.sqrt((scaled**2).mean(axis=0)))
    costs, _ = nnls(np.vstack([scaled, held]), np.concatenate([used * weight, held @ prior]))
    return {name: round(float(cost), 4) for name, cost in zip(names, costs, strict=True) if cost > 5e-5}


def estimated(point: Point, costs: Mapping[str, Mapping[str, float]]) -> dict[str, int]:
    memory, factors, counts = point.found()
    sums = {kind: round(sum(costs[kind].get(term, 0) * n for term, n in counts.items())) for kind in costs}
    return {**sums, "dsp": factors, "bram": memory.blocks}


def error(points: list[Point], kind: str, costs: Mapping[str, Mapping[str, float]]) -> str:
    """The middle of the relative errors, what nine in ten are below, and the error of the sum."""
    pairs = [(estimated(p, costs)[kind], p.used.named()[kind]) for p in points]
    if not any(used for _, used in pairs):
        return "none used"
    relative = np.array([100 * abs(guess - used) / used for guess, used in pairs if used])
    guesses, all_used = sum(guess for guess, _ in pairs), sum(used for _, used in pairs)
    return f"{np.median(relative):.0f} / {np.percentile(relative, 90):.0f} / {100 * (guesses - all_used) / all_used:+.1f}"


def write(points: list[Point], day: str) -> None:
    families = sorted({point.family for point in points})
    costs: dict[str, dict[str, dict[str, float]]] = {}
    lines = ["# Made by benchmarks/estimates.py from benchmarks/estimates.json: what a unit of each term of estimate.py costs.", ""]
    table, held = [], []
    for family in families:
        mine = [p for p in points if p.family == family]
        costs[family] = {kind: fitted(mine, kind) for kind in ("lut", "ff")}
        for kind, found in costs[family].items():
            lines += [f"[{family}.{kind}]", *(f"{name} = {cost}" for name, cost in found.items()), ""]
        table.append(f"| {family} | {len(mine)} | " + " | ".join(error(mine, kind, costs[family]) for kind in KINDS) + " |")
        even, odd = ([p for p in mine if p.chain % 2 == side] for side in (0, 1))
        half = {kind: fitted(even, kind) for kind in ("lut", "ff")}
        held.append(f"| {family} | {len(odd)} | " + " | ".join(error(odd, kind, half) for kind in KINDS) + " |")
    COSTS.write_text("\n".join(lines))
    rows = []
    for p in points:
        guess = estimated(p, costs[p.family])
        both = " | ".join(f"{guess[kind]} / {used}" for kind, used in p.used.named().items())
        rows.append(f"| {p.family} | {p.instance()[2]} | {p.fold} | {both} |")
    chains, parts = len({p.chain for p in points}), {"table": table, "held": held, "rows": rows}
    text = _TEXT.format(day=day, layers=len(points), chains=chains, **{name: "\n".join(found) for name, found in parts.items()})
    (HERE / "estimates.md").write_text(text)


_TEXT = """\
# How far estimates of layers are off

{layers} layers of {chains} random chains, synthesized by yosys 0.23 on {day}, one device of each family; `python -m benchmarks.estimates`
fits the model of `targets/rtl/estimate.py` to them again and writes this page. Numbers are the middle of the relative errors in
percent / what nine in ten layers are below / the error of the sum of all layers. Multipliers and block RAMs are counted by rule.

| family | layers | LUT | FF | DSP | BRAM |
|---|---|---|---|---|---|
{table}

Fitted to every other chain, and held against those that were left out:

| family | layers | LUT | FF | DSP | BRAM |
|---|---|---|---|---|---|
{held}

## The layers

Estimate / synthesized. The number behind an op is its output stage: 0 the sum, 1 requant, 2 thresholds.

| family | layer | shape | fold | LUT | FF | DSP | BRAM |
|---|---|---|---|---|---|---|---|
{rows}
"""


def main(arguments: list[str]) -> None:
    file = HERE / "estimates.json"
    if "--synthesize" in arguments:
        found: list[Point] = []
        for number in range(CHAINS):
            found += measured(number)
            print(f"chain {number}", file=sys.stderr)
            file.write_text(json.dumps({"day": date.today().isoformat(), "points": [asdict(p) for p in found]}, indent=0) + "\n")
    read = json.loads(file.read_text())
    write([Point(**p | {"used": Resources(**p["used"])}) for p in read["points"]], read["day"])


if __name__ == "__main__":
    main(sys.argv[1:])
