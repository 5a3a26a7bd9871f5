"""What the MLPerf Tiny float networks cost on Cortex-M, and how far they are from the float model: `python benchmarks/floats.py`.

Prints tables for the current tree. `--check` ends with status 1 when a count is more than 1 % above the baseline, floats.json, or a
network is further from the float model than there; `--update` writes the baseline, and the tables as floats.md. Models and data are those
of TAPEOUT_ZOO. Counts repeat to the last digit with the same tools.
"""
from __future__ import annotations

import argparse
import datetime
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.cortexm import PERCENT
from examples.recipes.tasks import cifar
from tapeout.compiler.build import lower
from tapeout.compiler.errors import CheckFailed
from tapeout.compiler.frontends.tflite import read_tflite
from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.report import node_macs
from tapeout.compiler.run import run
from tapeout.compiler.views import views
from tapeout.cosim import quality
from tapeout.cosim.floatref import float_outputs
from tapeout.cosim.measure import measure as measure_run
from tapeout.cosim.vectors import random_inputs
from tapeout.quant.quantize import annotated_blindly
from tapeout.quant.recipe import load
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled
from tapeout.targets.microcontroller.cycles import models

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ROOT / "benchmarks" / "floats.json"
MODELS = ("ad_autoencoder", "ic_resnet8", "kws_dscnn", "vww_mobilenet96")
RECIPES = ("float", "fp16", "fp16-fma", "bf16")
# Core, recipe, and whether the faster kernels may run it.
KINDS = (
    ("cortex-m4", "float", False), ("cortex-m4", "float", True), ("cortex-m4", "fp16", True),
    ("cortex-m55", "float", False), ("cortex-m55", "float", True), ("cortex-m55", "fp16", True), ("cortex-m55", "fp16-fma", True),
)  # fmt: skip
SAMPLES = 40  # by which the distance to the float model is measured
DECIBELS = 0.1  # by which a network may move away from the float model


COST_TITLES = (
    "network", "core", "recipe", "kernels", "instructions", "per MAC", "modelled cycles", "per MAC", "arena B", "weights B",
)  # fmt: skip
DISTANCE_TITLES = ("network", "recipe", "SQNR dB to float32", "largest error, relative", "SQNR dB to LiteRT")


@dataclass(frozen=True)
class Row:
    """A network on a core; `instructions` and `cycles` are 0 where no board in QEMU has room for it."""

    macs: int
    instructions: int
    cycles: int
    arena_bytes: int
    weight_bytes: int

    def cells(self) -> list[str]:
        sizes = [f"{self.arena_bytes:,}", f"{self.weight_bytes:,}"]
        if not self.instructions:
            return ["no board has room", "", "", "", *sizes]
        per_mac = [f"{count / self.macs:.2f}" for count in (self.instructions, self.cycles)]
        return [f"{self.instructions:,}", per_mac[0], f"{self.cycles:,}", per_mac[1], *sizes]


@dataclass(frozen=True)
class Distance:
    """How far the reference is from the network in float32, and from the float model run by LiteRT."""

    sqnr_db: float | None  # None for the network in float32 itself
    max_relative: float
    litert_sqnr_db: float

    def cells(self) -> list[str]:
        return ["" if self.sqnr_db is None else f"{self.sqnr_db:.1f}", f"{self.max_relative:.1e}", f"{self.litert_sqnr_db:.1f}"]


@dataclass(frozen=True)
class Measured:
    """Rows by `network/core/recipe/kernels`, distances by `network/recipe`."""

    rows: Mapping[str, Row]
    distances: Mapping[str, Distance]

    def tables(self) -> str:
        costs = _table(COST_TITLES, {name: row.cells() for name, row in self.rows.items()})
        return f"{costs}\n\n{_table(DISTANCE_TITLES, {name: found.cells() for name, found in self.distances.items()})}"

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"


def _table(titles: tuple[str, ...], rows: Mapping[str, list[str]]) -> str:
    lines = [f"| {' | '.join([*name.split('/'), *cells])} |" for name, cells in rows.items()]
    return "\n".join([f"| {' | '.join(titles)} |", "|" + "---|" * len(titles), *lines])


def from_json(text: str) -> Measured:
    data = json.loads(text)
    return Measured({n: Row(**r) for n, r in data["rows"].items()}, {n: Distance(**d) for n, d in data["distances"].items()})


def worse(baseline: Measured, found: Measured) -> list[str]:
    """A line for each figure that is worse than the baseline by more than is allowed, and for each row that one of both lacks."""
    before_names, names = ({*m.rows, *m.distances} for m in (baseline, found))
    lines = [f"{name}: only in one of baseline and tree" for name in sorted(before_names ^ names)]
    for name in (n for n in baseline.rows if n in found.rows):
        for figure in ("instructions", "cycles", "arena_bytes", "weight_bytes"):
            before, after = getattr(baseline.rows[name], figure), getattr(found.rows[name], figure)
            if 100 * after > (100 + PERCENT) * before or (before and not after):
                lines.append(f"{name}: {figure} {after:,}, baseline {before:,}")
    for name in (n for n in baseline.distances if n in found.distances):
        decibels, after_decibels = baseline.distances[name].sqnr_db, found.distances[name].sqnr_db
        if decibels is not None and after_decibels is not None and after_decibels < decibels - DECIBELS:
            lines.append(f"{name}: sqnr_db {after_decibels:.1f}, baseline {decibels:.1f}")
    return lines


def in_recipe(graph: Graph, recipe: str) -> Graph:
    return lower(annotated_blindly(graph, load(recipe)))


def cost(graph: Graph, core: str, fast: bool) -> Row:
    """Compiles a network for a core and runs it once in QEMU."""
    target = find_target(core)
    own = {n.name: target.kernel(graph, n)[1].symbol for n in graph.nodes if n.name not in views(graph).free}
    with tempfile.TemporaryDirectory() as folder:
        compiled = Compiled.write(Path(folder), "net", target, graph, pins=None if fast else own)
        sizes = compiled.plan.arena_bytes, compiled.selection.weight_bytes(graph)
        try:
            profile = measure_run(compiled, random_inputs(graph, 1, 0)).run
        except CheckFailed:
            return Row(sum(node_macs(graph).values()), 0, 0, *sizes)
    cycles = models()[core].modelled({**profile.classes, **profile.events})
    return Row(sum(node_macs(graph).values()), profile.instructions, cycles, *sizes)


def _ad(zoo: Path) -> Array:
    return np.fromfile(zoo / "mlperf_tiny" / "ad_normal_clip_f32.bin", "<f4").reshape(-1, 1, 640)


def _ic(zoo: Path) -> Array:
    return np.asarray(cifar()["test"][0][:, None].astype(np.float32))


def _kws(zoo: Path) -> Array:
    with np.load(zoo / "datasets" / "kws01_test_mfcc_int8.npz") as file:
        return np.asarray((file["x"].reshape(-1, 1, 49, 10, 1).astype(np.float32) - 83) * np.float32(0.5847))


def _vww(zoo: Path) -> Array:
    return np.random.default_rng(0).random((SAMPLES, 1, 96, 96, 3), np.float32)  # there are no images here


DATA: Mapping[str, Callable[[Path], Array]] = {
    "ad_autoencoder": _ad, "ic_resnet8": _ic, "kws_dscnn": _kws, "vww_mobilenet96": _vww,
}  # fmt: skip


def measured_distances(model: Path, graphs: Mapping[str, Graph], x: Array) -> dict[str, Distance]:
    """By recipe, on samples (N, *shape) of the sole input."""
    found = {recipe: next(iter(run(graph, {graph.input_names[0]: x}).values())).astype(np.float64) for recipe, graph in graphs.items()}
    (litert,) = float_outputs(model, {graphs["float"].inputs[0].name: x[:, 0]}).values()
    distances = {}
    for recipe, array in found.items():
        own, other = (quality.measure("reference", array, wanted, None, model.name) for wanted in (found["float"], litert))
        assert own.max_relative is not None and other.sqnr_db is not None
        decibels = None if own.sqnr_db is None else round(own.sqnr_db, 2)
        distances[recipe] = Distance(decibels, own.max_relative, round(other.sqnr_db, 2))
    return distances


def measure(zoo: Path) -> Measured:
    rows: dict[str, Row] = {}
    distances: dict[str, Distance] = {}
    for name in MODELS:
        model = zoo / "mlperf_tiny" / f"{name}_float.tflite"
        graphs = {recipe: in_recipe(read_tflite(model, {}), recipe) for recipe in RECIPES}
        for core, recipe, fast in KINDS:
            rows[f"{name}/{core}/{recipe}/{'fast' if fast else 'portable'}"] = cost(graphs[recipe], core, fast)
        x = DATA[name](zoo)[:SAMPLES]
        distances |= {f"{name}/{recipe}": found for recipe, found in measured_distances(model, graphs, x).items()}
    return Measured(rows, distances)


HEAD = """\
# Float networks on Cortex-M

Measured {date} by `python -m benchmarks.floats --update`: the MLPerf Tiny float networks, executed in QEMU and equal to the reference in
every bit by the tests. Instructions are exact, cycles are modelled from them by class (targets/cortexm/cycles.toml). `fp16` stores f16 and
sums in f32, `fp16-fma` sums in f16 as well ([docs/numbers.md](../docs/numbers.md)); `portable` are the kernels of targets/c alone.
The distance of the reference is told to the same network in float32, and to LiteRT, which sums in another order, and which computes
the KWS file in codes, as its weights are int8. It is measured on {samples} samples: a clip of AD, CIFAR-10 for IC, the official test data
for KWS, and random images for VWW, as there are no others here.

"""


def main() -> None:
    parser = argparse.ArgumentParser(description="What the MLPerf Tiny float networks cost on Cortex-M.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help=f"fail when a count is more than {PERCENT} %% above the baseline")
    choice.add_argument("--update", action="store_true", help="write the baseline")
    options = parser.parse_args()
    found = measure(Path(os.environ.get("TAPEOUT_ZOO", ROOT.parent / "shared" / "zoo")))
    print(found.tables())
    if options.update:
        BASELINE.write_text(found.to_json())
        BASELINE.with_suffix(".md").write_text(HEAD.format(date=datetime.date.today(), samples=SAMPLES) + found.tables() + "\n")
    if options.check and (lines := worse(from_json(BASELINE.read_text()), found)):
        raise SystemExit("\n".join(lines))


if __name__ == "__main__":
    main()
