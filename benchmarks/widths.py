"""What weights of 4 bits and activations of 16 bits cost on Cortex-M: `python -m benchmarks.widths [--check | --update]`.

Prints a table for the current tree: two MLPerf Tiny networks, quantized after training from their float originals with data of TAPEOUT_ZOO.
`--check` ends with status 1 when a figure is more than 1 % above the baseline, widths.json; `--update` writes it, and the table as
widths.md. Every figure repeats to the last digit with the same tools.
"""
from __future__ import annotations

import argparse
import datetime
import io
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tapeout.compiler.build import lower
from tapeout.compiler.cli.measure import measure
from tapeout.compiler.frontends import read
from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.report import node_macs
from tapeout.compiler.views import views
from tapeout.quant.options import Calibration, QuantizeOptions
from tapeout.quant.quantize import quantize
from tapeout.quant.recipe import load
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled
from tapeout.targets.microcontroller.cycles import models
from tapeout.targets.selection import Objective
from tapeout.targets.target import Target

from .cortexm import PERCENT

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ROOT / "benchmarks" / "widths.json"
ZOO = Path(os.environ.get("TAPEOUT_ZOO", ROOT.parent / "shared" / "zoo"))
MODELS = ("ic_resnet8", "kws_dscnn")
RECIPES = ("int8", "w4a8", "w8a16")
CORES = ("cortex-m4", "cortex-m55")
KERNELS = ("portable", "time", "size")  # those of every op's own name, or chosen for an objective
SAMPLES = 64  # for calibration
WATCHED = ("instructions", "cycles", "flash_bytes", "arena_bytes")


@dataclass(frozen=True)
class Row:
    """One network by one recipe on one core; `weight_bytes` are those of all constants, `flash_bytes` those of the program."""

    macs: int
    instructions: int
    cycles: int
    weight_bytes: int
    flash_bytes: int
    arena_bytes: int

    def cells(self) -> list[str]:
        per_mac = [f"{count / self.macs:.2f}" for count in (self.instructions, self.cycles)]
        return [f"{self.instructions:,}", *per_mac, f"{self.weight_bytes:,}", f"{self.flash_bytes:,}", f"{self.arena_bytes:,}"]


HEAD = """\
# Weights of 4 bits, activations of 16

Measured {date} by `python -m benchmarks.widths --update`: two MLPerf Tiny networks, quantized after training from their float originals
({samples} samples), executed in QEMU. `w4a8` has 4-bit weights but for the first and the last layer; `w8a16` has 16-bit activations but for
what the last layer gives. Instructions are exact, cycles are modelled from them (targets/cortexm/cycles.toml). Kernels are the portable
ones, which run all widths, or those chosen for an objective. Flash is the whole program.

"""
TITLES = (
    "network", "recipe", "core", "kernels", "instructions", "per MAC", "modelled cycles per MAC", "constants B", "flash B", "arena B",
)


def table(rows: Mapping[str, Row]) -> str:
    lines = [f"| {' | '.join([*name.split('/'), *row.cells()])} |" for name, row in rows.items()]
    return "\n".join([f"| {' | '.join(TITLES)} |", "|" + "---|" * len(TITLES), *lines])


def to_json(rows: Mapping[str, Row]) -> str:
    return json.dumps({name: asdict(row) for name, row in rows.items()}, indent=2) + "\n"


def from_json(text: str) -> dict[str, Row]:
    return {name: Row(**row) for name, row in json.loads(text).items()}


def rises(baseline: Mapping[str, Row], found: Mapping[str, Row]) -> list[str]:
    """A line for each watched figure that is more than PERCENT above the baseline, and for each row that one of both lacks."""
    lines = [f"{name}: only in one of baseline and tree" for name in sorted(baseline.keys() ^ found.keys())]
    for name in (n for n in baseline if n in found):
        for figure in WATCHED:
            before, after = getattr(baseline[name], figure), getattr(found[name], figure)
            if 100 * after > (100 + PERCENT) * before:
                lines.append(f"{name}: {figure} {after:,}, baseline {before:,} ({after / before - 1:+.1%})")
    return lines


def samples(model: str) -> Array:
    """Inputs (N, *shape), float32."""
    if model == "kws_dscnn":
        with np.load(ZOO / "datasets" / "kws01_test_mfcc_int8.npz") as data:
            return np.asarray((data["x"][:SAMPLES].astype(np.float32) - np.float32(83)) * np.float32(0.5847))
    with np.load(ZOO / "datasets" / "cifar10_train_jpeg.npz") as data:
        blob, offsets = data["blob"], data["offsets"]
    files = (io.BytesIO(blob[offsets[i] : offsets[i + 1]].tobytes()) for i in range(SAMPLES))
    return np.stack([np.asarray(Image.open(file), np.float32) for file in files])


def network(model: str, recipe: str) -> Graph:
    graph = read(ZOO / "mlperf_tiny" / f"{model}_float.tflite", {})
    x = samples(model)
    return lower(quantize(graph, {graph.input_names[0]: x[:, None]}, load(recipe), QuantizeOptions(Calibration.MSE)))


def compiled(graph: Graph, target: Target, kernels: str) -> Row:
    own = {n.name: target.kernel(graph, n)[1].symbol for n in graph.nodes if n.name not in views(graph).free}
    objective, pins = (Objective.TIME, own) if kernels == "portable" else (Objective(kernels), {})
    with tempfile.TemporaryDirectory() as folder:
        built = Compiled.write(Path(folder), "net", target, graph, objective=objective, pins=pins)
        figures = measure(built, None)
    if figures.run is None or figures.built is None:
        raise SystemExit(f"{target.name} was not measured: {'; '.join(figures.warnings)}")
    profile = figures.run.run
    return Row(
        sum(node_macs(graph).values()), profile.instructions, models()[target.name].modelled({**profile.classes, **profile.events}),
        built.selection.weight_bytes(graph), figures.built.flash_bytes, built.plan.arena_bytes,
    )


def measured() -> dict[str, Row]:
    rows = {}
    for model in MODELS:
        for recipe in RECIPES:
            graph = network(model, recipe)
            for core in CORES:
                for kernels in KERNELS:
                    rows[f"{model}/{recipe}/{core}/{kernels}"] = compiled(graph, find_target(core), kernels)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="What weights of 4 bits and activations of 16 bits cost on Cortex-M.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help=f"fail when a figure is more than {PERCENT} %% above the baseline")
    choice.add_argument("--update", action="store_true", help="write the baseline")
    options = parser.parse_args()
    found = measured()
    print(table(found))
    if options.update:
        BASELINE.write_text(to_json(found))
        BASELINE.with_suffix(".md").write_text(HEAD.format(date=datetime.date.today(), samples=SAMPLES) + table(found) + "\n")
    if options.check and (worse := rises(from_json(BASELINE.read_text()), found)):
        raise SystemExit("\n".join(worse))


if __name__ == "__main__":
    main()
