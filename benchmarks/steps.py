"""Full training steps of two MLPerf Tiny networks on the RTL of one core and of a cluster of eight: `python -m benchmarks.steps`.

Writes benchmarks/training_steps.md, anew after each configuration. What is measured is kept in build/steps, so that a run that was cut
off goes on; remove that folder to measure again. Apart from the terminal, in the background:
`nohup .venv/bin/python -m benchmarks.steps >build/steps.log 2>&1 </dev/null &`. The models are those of TAPEOUT_ZOO.
"""
from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.cortexm import ROOT
from tapeout.compiler.ir import Array, Node
from tapeout.compiler.report import node_macs
from tapeout.compiler.run import run
from tapeout.compiler.states import inference
from tapeout.cosim.compare import compare
from tapeout.cosim.rtl.machine import L1_BYTES, RTL_CLUSTER, RTL_CORE, RtlCore
from tapeout.targets.bundle import Bundle
from tapeout.targets.compiled import Compiled

KEPT = ROOT / "build" / "steps"
TARGET = "pulp-fp16"
MODELS = {"ic_resnet8": "ResNet-8", "kws_dscnn": "DS-CNN"}
FORMATS = {"fp16-fma": "FP16", "fp32-fma": "FP32"}  # by recipe
ENGINES = (RTL_CLUSTER, RTL_CORE)
PHASES = ("forward", "weight gradient", "input gradient", "update")
HEAD = """\
# Training steps on the RTL of CV32E40P

Measured {date} by `python -m benchmarks.steps`: one step of stochastic gradient descent, batch 1, of float models of MLPerf Tiny, compiled
for {target} with `--training sgd` and a recipe: FP16 sums in f16 by fused multiply-adds (`fp16-fma`), FP32 by fused ones in f32
(`fp32-fma`). Every weight after the step, the outputs and the loss are compared with the reference, bit for bit. MACs are those of
layers and their gradients; MAC/clk of a phase counts all of its nodes. The first layer's input gradient is not needed and not made.

What is modelled: RTL of cores with a floating-point unit each, the 16-bit formats of which are not the core's verified default;
instructions come in the next cycle, as do data, with eight cores from 16 banks of words that serve one core a cycle each. No DMA, no
L2. An arena above a cluster's L1 ({l1} KiB in pulp-sdk's rtos/pulpos/pulp/kernel/chips/pulp/link.ld) is held in such memory all the
same, so that these figures are those of ideal memory where published ones (arXiv 2305.19167: 3.11 MAC/clk for ResNet-8 and 0.81 for
DS-CNN, FP16 on eight cores) are not.

"""


@dataclass(frozen=True)
class Phase:
    macs: int
    cycles: int

    @property
    def rate(self) -> str:
        return f"{self.macs / self.cycles:.2f}" if self.macs else f"{self.cycles:,} cycles"


@dataclass(frozen=True)
class Row:
    """One configuration; stalls are cycles of all cores together."""

    date: str
    cores: int
    differ: int
    compared: int
    arena_bytes: int
    macs: int
    cycles: int
    banks: int
    barriers: int
    phases: Mapping[str, Mapping[str, int]]
    layers: Mapping[str, Mapping[str, int | str]]
    seconds: float

    @property
    def rate(self) -> float:
        return self.macs / self.cycles

    def cells(self) -> list[str]:
        stalls = [f"{count / self.cycles / self.cores:.1%}" for count in (self.banks, self.barriers)]
        return [
            str(self.cores), f"{self.differ} / {self.compared:,}", f"{self.macs:,}", f"{self.cycles:,}", f"**{self.rate:.2f}**",
            *(Phase(**self.phases[phase]).rate for phase in PHASES), *stalls, f"{self.arena_bytes:,}", self.date,
        ]


def phase(index: int, node: Node, first: int) -> str:
    """Of a node by its number, where the first `first` nodes are the inference."""
    name = node.op.name()
    if index < first:
        return "forward"
    if name.endswith(("weight_gradient", "bias_gradient")):
        return "weight gradient"
    return "update" if name == "sgd" else "input gradient"


def sample(compiled: Compiled) -> dict[str, Array]:
    """A seeded input, and a class as the target."""
    random, graph = np.random.default_rng(0), compiled.graph
    values = {name: random.standard_normal((1, *graph.values[name].type.shape)).astype(np.float32) for name in graph.input_names}
    target = graph.input_names[-1]
    values[target][:] = 0
    values[target].reshape(-1)[3] = 1
    return values


def measured(compiled: Compiled, engine: RtlCore) -> Row:
    """Runs one step in an engine, and the reference."""
    began, given, graph = time.monotonic(), sample(compiled), compiled.graph
    outputs, cycles = engine.profile(compiled, given)
    seconds = time.monotonic() - began
    comparison = compare(run(graph, given), outputs, graph)
    first, macs = inference(graph), node_macs(graph)
    phases = {name: {"macs": 0, "cycles": 0} for name in PHASES}
    layers: dict[str, dict[str, int | str]] = {}
    for index, node in enumerate(graph.nodes):
        entry = phases[phase(index, node, first)]
        entry["macs"] += macs[node.name]
        entry["cycles"] += cycles.nodes[index]
        stalls, chosen = cycles.node_stalls[index], compiled.selection.chosen.get(node.name)
        layers[node.name] = {
            "op": node.op.name(), "kernel": chosen.kernel.symbol if chosen else "", "macs": macs[node.name],
            "cycles": cycles.nodes[index], **asdict(stalls),
        }
    return Row(
        str(datetime.date.today()), cycles.cores, comparison.differ, comparison.compared, compiled.plan.arena_bytes, sum(macs.values()),
        cycles.run, cycles.run_stalls.banks, cycles.run_stalls.barriers, phases, layers, round(seconds, 1),
    )


def compiled(model: str, recipe: str) -> Compiled:
    """The step by the command."""
    zoo = Path(os.environ.get("TAPEOUT_ZOO", ROOT.parent / "shared" / "zoo")) / "mlperf_tiny"
    out, tapeout = KEPT / f"{model}_{recipe}", Path(sys.executable).parent / "tapeout"
    command: list[str | Path] = [
        tapeout, "compile", zoo / f"{model}_float.tflite", "--target", TARGET, "--training", "sgd", "--recipe", recipe, "-o", out,
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return Bundle.load(out).compiled()


def place(model: str, recipe: str, engine: RtlCore) -> Path:
    return KEPT / f"{model}_{recipe}_{engine.machine.cores}.json"


def rows() -> dict[tuple[str, str, int], Row]:
    """What has been measured, by model, recipe and cores."""
    return {
        (model, recipe, engine.machine.cores): Row(**json.loads(place(model, recipe, engine).read_text()))
        for engine in ENGINES for model in MODELS for recipe in FORMATS if place(model, recipe, engine).exists()
    }


def table(found: Mapping[tuple[str, str, int], Row]) -> Iterator[str]:
    titles = (
        "network", "format", "cores", "differing elements", "MACs", "cycles", "MAC/clk", *PHASES, "waits for banks", "at barriers",
        "arena B", "measured",
    )
    yield f"| {' | '.join(titles)} |"
    yield "|" + "---|" * len(titles)
    for (model, recipe, _), row in sorted(found.items()):
        yield f"| {' | '.join((MODELS[model], FORMATS[recipe], *row.cells()))} |"
    yield ""
    half, whole = FORMATS
    for model, name in MODELS.items():
        for engine in ENGINES:
            cores = engine.machine.cores
            if (model, half, cores) in found and (model, whole, cores) in found:
                ratio = found[model, whole, cores].cycles / found[model, half, cores].cycles
                yield f"- {name} on {cores} core{'s' * (cores > 1)}: FP16 takes {ratio:.2f} times fewer cycles than FP32."
        for recipe, format in FORMATS.items():
            if (model, recipe, 1) in found and (model, recipe, 8) in found:
                ratio = found[model, recipe, 1].cycles / found[model, recipe, 8].cycles
                yield f"- {name} in {format}: eight cores are {ratio:.2f} times faster than one."


def write() -> None:
    head = HEAD.format(date=datetime.date.today(), target=TARGET, l1=L1_BYTES >> 10)
    (ROOT / "benchmarks" / "training_steps.md").write_text(head + "\n".join(table(rows())) + "\n")


def main() -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    for engine in ENGINES:
        for recipe in FORMATS:
            for model in MODELS:
                kept = place(model, recipe, engine)
                if not kept.exists():
                    row = measured(compiled(model, recipe), engine)
                    kept.write_text(json.dumps(asdict(row), indent=1) + "\n")
                    print(f"{kept.stem}: {row.differ} differ, {row.cycles:,} cycles, {row.rate:.2f} MAC/clk, {row.seconds} s", flush=True)
                write()


if __name__ == "__main__":
    main()
