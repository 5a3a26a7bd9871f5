"""Two MLPerf Tiny int8 networks on the RTL of CV32E40P: `python -m benchmarks.rtl` (ten minutes; one that was cut off goes on).

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
TARGET = "cv32e40p"
MODELS = ("ad_autoencoder", "kws_dscnn")  # the others take half an hour each
TITLES = (
    "network", "differing elements", "MACs", "instructions", "cycles", "modelled cycles", "MAC/cycle", "cycles/instruction",
    "longest layer",
)
HEAD = """\
# Two networks on the RTL of CV32E40P

Measured {date} by `python -m benchmarks.rtl`: MLPerf Tiny int8 networks by the portable kernels, compiled by clang at -O2, one seeded
input, in the engine rtl-core: the core with its floating-point unit in Verilator, memory that answers in one cycle. Instructions are
counted in QEMU, modelled cycles follow from them by class (targets/riscv/cycles.toml).

"""


@dataclass(frozen=True)
class Row:
    differ: int
    compared: int
    macs: int
    instructions: int
    cycles: int
    modelled: int
    longest: str
    longest_cycles: int

    def cells(self) -> list[str]:
        return [
            f"{self.differ} / {self.compared}", f"{self.macs:,}", f"{self.instructions:,}", f"{self.cycles:,}",
            f"{self.modelled:,} ({self.modelled / self.cycles - 1:+.1%})", f"{self.macs / self.cycles:.3f}",
            f"{self.cycles / self.instructions:.2f}", f"{self.longest}, {self.longest_cycles / self.cycles:.0%}",
        ]


def measured(model: Path) -> Row:
    """Compiles and runs one network by the command."""
    out, figures = KEPT / model.stem, KEPT / f"{model.stem}.figures.json"
    tapeout = Path(sys.executable).parent / "tapeout"
    subprocess.run([tapeout, "compile", model, "--target", TARGET, "-o", out], check=True, stdout=subprocess.DEVNULL)
    cosim = [tapeout, "cosim", out, "--engines", "rtl-core", "--count", "1", "--json", figures]
    subprocess.run(cosim, check=True, stdout=subprocess.DEVNULL)
    engine = json.loads(figures.read_text())["engines"]["rtl-core"]
    totals = json.loads((out / "report.json").read_text())["totals"]
    layers = engine["cycles"]["layers"]
    longest = max(layers, key=lambda name: layers[name])
    return Row(
        engine["differ"], engine["compared"], totals["macs"], totals["instructions"], engine["cycles"]["run"], totals["cycles"],
        longest, layers[longest],
    )


def row(model: Path) -> Row:
    kept = KEPT / f"{model.stem}.json"
    if not kept.exists():
        kept.write_text(json.dumps(asdict(measured(model))))
    return Row(**json.loads(kept.read_text()))


def main() -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    zoo = Path(os.environ.get("TAPEOUT_ZOO", ROOT.parent / "shared" / "zoo")) / "mlperf_tiny"
    lines = [f"| {' | '.join(TITLES)} |", "|" + "---|" * len(TITLES)]
    lines += [f"| {' | '.join((model, *row(zoo / f'{model}_int8.tflite').cells()))} |" for model in MODELS]
    (ROOT / "benchmarks" / "rtl.md").write_text(HEAD.format(date=datetime.date.today()) + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
