"""The MLPerf Tiny int8 networks on the RTL of CV32E40P: `python -m benchmarks.rtl` (half an hour; one that was cut off goes on).

Writes benchmarks/rtl.md. What is measured is kept in build/rtl; remove that folder to measure again. The models are those of TAPEOUT_ZOO.
"""
from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.cortexm import ROOT

KEPT = ROOT / "build" / "rtl"
PORTABLE, XCV = "cv32e40p", "cv32e40p-xcv"
MODELS = {  # by the portable kernels the others take half an hour each
    PORTABLE: ("ad_autoencoder", "kws_dscnn"),
    XCV: ("ic_resnet8", "kws_dscnn", "vww_mobilenet96", "ad_autoencoder"),
}
TITLES = ("network", "target", "differing elements", "MACs", "cycles", "MAC/cycle", "instructions", "modelled cycles", "longest layer")
LAYER_TITLES = ("layer", "kernel", "MACs", "cycles", "MAC/cycle")
HEAD = """\
# The MLPerf Tiny networks on the RTL of CV32E40P

Measured {date} by `python -m benchmarks.rtl`: the int8 networks, one seeded input, compiled by clang at -O2, in the engine rtl-core: the
core with its floating-point unit in Verilator, memory that answers in one cycle. cv32e40p runs the portable kernels, cv32e40p-xcv those
with the core's own instructions for int8 (targets/riscv/kernels/xcv). IC and VWW by the portable kernels take half an hour each and are
left out. MACs are those that are executed, which are fewer than the model's where channels are constant. Instructions are counted in
QEMU, modelled cycles follow from them by class (targets/riscv/cycles.toml); QEMU does not know XCV. Layers are measured in a build with
marks between them, whose code lies at other addresses: a loop that begins across two words takes a cycle more each turn, so that the sum
of the layers may differ from the run, by 9 % in AD on cv32e40p.

"""


@dataclass(frozen=True)
class Layer:
    name: str
    kernel: str
    macs: int
    cycles: int

    def cells(self) -> list[str]:
        rate = f"{self.macs / self.cycles:.2f}" if self.macs else ""
        return [self.name, self.kernel, f"{self.macs:,}" if self.macs else "", f"{self.cycles:,}", rate]


@dataclass(frozen=True)
class Row:
    differ: int
    compared: int
    macs: int
    cycles: int
    instructions: int | None
    modelled: int | None
    layers: tuple[Layer, ...]

    def cells(self) -> list[str]:
        longest = max(self.layers, key=lambda layer: layer.cycles)
        modelled = f"{self.modelled:,} ({self.modelled / self.cycles - 1:+.1%})" if self.modelled else "-"
        return [
            f"{self.differ} / {self.compared}", f"{self.macs:,}", f"{self.cycles:,}", f"{self.macs / self.cycles:.3f}",
            f"{self.instructions:,}" if self.instructions else "-", modelled, f"{longest.name}, {longest.cycles / self.cycles:.0%}",
        ]


def measured(model: Path, target: str) -> Row:
    """Compiles and runs one network by the command."""
    out = KEPT / f"{model.stem}.{target}"
    figures = out.with_suffix(".figures.json")
    tapeout = Path(sys.executable).parent / "tapeout"
    subprocess.run([tapeout, "compile", model, "--target", target, "-o", out], check=True, stdout=subprocess.DEVNULL)
    cosim = [tapeout, "cosim", out, "--engines", "rtl-core", "--count", "1", "--json", figures]
    subprocess.run(cosim, check=True, stdout=subprocess.DEVNULL)
    return read(out, target, figures)


def read(out: Path, target: str, figures: Path) -> Row:
    """The row of a compiled network that was run."""
    engine = json.loads(figures.read_text())["engines"]["rtl-core"]
    report = json.loads((out / "report.json").read_text())
    kernels = json.loads((out / target / "kernels.json").read_text())
    macs = {layer["name"]: layer["macs_executed"] or 0 for layer in report["layers"]}
    layers = [Layer(n, kernels[n]["kernel"], macs[n], cycles) for n, cycles in engine["cycles"]["layers"].items() if n in kernels]
    totals = report["totals"]
    return Row(
        engine["differ"], engine["compared"], sum(macs.values()), engine["cycles"]["run"], totals.get("instructions"), totals.get("cycles"),
        tuple(layers),
    )


def row(model: Path, target: str) -> Row:
    kept = KEPT / f"{model.stem}.{target}.json"
    if not kept.exists():
        kept.write_text(json.dumps(asdict(measured(model, target))))
    held = json.loads(kept.read_text())
    return Row(**{**held, "layers": tuple(Layer(**layer) for layer in held["layers"])})


def table(titles: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = (f"| {' | '.join(cells)} |" for cells in (list(titles), *rows))
    head, *rest = lines
    return "\n".join([head, "|" + "---|" * len(titles), *rest]) + "\n"


def main() -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    zoo = Path(os.environ.get("TAPEOUT_ZOO", ROOT.parent / "shared" / "zoo")) / "mlperf_tiny"
    rows = {(name, target): row(zoo / f"{name}_int8.tflite", target) for target, names in MODELS.items() for name in names}
    text = HEAD.format(date=datetime.date.today())
    text += table(TITLES, [[name, target, *found.cells()] for (name, target), found in rows.items()])
    for (name, target), found in rows.items():
        text += f"\n## {name} on {target}\n\n" + table(LAYER_TITLES, [layer.cells() for layer in found.layers])
    (ROOT / "benchmarks" / "rtl.md").write_text(text)


if __name__ == "__main__":
    main()
