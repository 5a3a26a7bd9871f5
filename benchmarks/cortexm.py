"""What the MLPerf Tiny int8 networks cost on Cortex-M: `python benchmarks/cortexm.py [--check | --update]`.

Prints a table for the current tree. `--check` ends with status 1 when a figure is more than 1 % above the baseline, cortexm.json;
`--update` writes the baseline, and the table as cortexm.md. The models are those of TAPEOUT_ZOO. Every figure repeats to the last digit
with the same tools.
"""
from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ROOT / "benchmarks" / "cortexm.json"
MODELS = ("ad_autoencoder", "ic_resnet8", "kws_dscnn", "vww_mobilenet96")
OBJECTIVES = {  # what stands behind --optimize, by core
    "cortex-m0": ("time", "size"),
    "cortex-m4": ("time", "size", "ram", "ram --inputs caller"),
    "cortex-m55": ("time", "size", "ram", "ram --inputs caller"),
}
PERCENT = 1  # by which a figure may rise
WATCHED = ("instructions", "cycles", "arena_bytes", "code_bytes")  # of a row: less is better


@dataclass(frozen=True)
class Row:
    """One network on one core; `cycles` is None for a core without model, `code_bytes` is flash without weights."""

    macs: int
    macs_executed: int
    instructions: int
    cycles: int | None
    arena_bytes: int
    code_bytes: int

    def cells(self) -> list[str]:
        return [
            f"{self.instructions:,}", f"{self.instructions / self.macs:.2f}", f"{self.instructions / self.macs_executed:.2f}",
            "-" if self.cycles is None else f"{self.cycles / self.macs:.2f}", f"{self.arena_bytes:,}", f"{self.code_bytes:,}",
        ]


HEAD = """\
# Four networks on Cortex-M

Measured {date} by `python benchmarks/cortexm.py --update`: the MLPerf Tiny int8 networks, executed in QEMU. Instructions are exact,
cycles are modelled from them by class (targets/cortexm/cycles.toml), the arena holds inputs, outputs and scratch. TFLite Micro with
CMSIS-NN takes 0.583 (AD), 29.86 (IC), 7.70 (KWS) and 24.10 (VWW) million instructions on the Cortex-M4 and 0.065, 4.58, 1.76 and 6.26
million on the M55, in arenas of 2,580, 54,996, 22,820 and 100,708 bytes, with 29 to 54 kB of code. Built for RAM, regions of a network
run in strips of rows, and nothing is computed twice; their code is larger. With `--inputs caller` the arena is beside the input.

The Cortex-M0 has no product of more than 32 bits: the portable kernels take 2.91 (AD), 134.4 (IC), 49.2 (KWS) and 91.2 (VWW) million
instructions there, 11.0, 10.8, 18.5 and 24.4 per executed MAC. Its own kernels, targets/cortexm/kernels/thumb, take those below. For time
three sums share two multiplications, which bounds a MAC to 14.3 / 9 = 1.6 instructions with loads; for size a product takes 3.3.

"""
TITLES = (
    "network", "core", "--optimize", "instructions", "per MAC", "per executed MAC", "modelled cycles per MAC", "arena B",
    "flash without weights B",
)


@dataclass(frozen=True)
class Measured:
    """The rows by `network/core/objective`, and the versions of the compiler and the simulator that they depend on."""

    tools: Mapping[str, str]
    rows: Mapping[str, Row]

    def table(self) -> str:
        lines = [f"| {' | '.join([*name.split('/'), *row.cells()])} |" for name, row in self.rows.items()]
        return "\n".join([f"| {' | '.join(TITLES)} |", "|" + "---|" * len(TITLES), *lines])

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"


def from_json(text: str) -> Measured:
    data = json.loads(text)
    return Measured(data["tools"], {name: Row(**row) for name, row in data["rows"].items()})


def rises(baseline: Measured, found: Measured) -> list[str]:
    """A line for each watched figure that is more than PERCENT above the baseline, and for each row that one of both lacks."""
    lines = [f"{name}: only in one of baseline and tree" for name in sorted(baseline.rows.keys() ^ found.rows.keys())]
    for name in (n for n in baseline.rows if n in found.rows):
        for figure in WATCHED:
            before, after = getattr(baseline.rows[name], figure), getattr(found.rows[name], figure)
            if before is not None and 100 * after > (100 + PERCENT) * before:
                lines.append(f"{name}: {figure} {after:,}, baseline {before:,} ({after / before - 1:+.1%})")
    return lines


def compiled(model: Path, target: str, objective: str) -> tuple[Row, dict[str, str]]:
    """Compiles one model for one core by the command; returns its figures and the versions of the tools."""
    with tempfile.TemporaryDirectory() as folder:
        tapeout, options = str(Path(sys.executable).parent / "tapeout"), ("--target", target, "--optimize", *objective.split())
        command = [tapeout, "compile", str(model), *options, "-o", f"{folder}/out"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{model.name} does not compile for {target}: {done.stderr}")
        report = json.loads((Path(folder) / "out" / "report.json").read_text())
    totals, memory = report["totals"], report["memory"]
    if totals["instructions"] is None:
        raise SystemExit(f"{model.name} for {target} was not measured: {'; '.join(report['warnings'])}")
    return Row(
        totals["macs"], totals["macs_executed"], totals["instructions"], totals["cycles"], memory["arena_bytes"],
        memory["flash_bytes"] - memory["weight_bytes"],
    ), report["tools"]


@dataclass(frozen=True)
class Compile:
    """One row: a file of the MLPerf Tiny models for a target."""

    file: str
    target: str
    objective: str


COMPILES = {
    f"{model}/{target}/{objective}": Compile(f"{model}_int8.tflite", target, objective)
    for model in MODELS for target, objectives in OBJECTIVES.items() for objective in objectives
}


def measure(zoo: Path, compiles: Mapping[str, Compile] = COMPILES) -> Measured:
    rows: dict[str, Row] = {}
    tools: dict[str, str] = {}
    for name, c in compiles.items():
        rows[name], tools = compiled(zoo / c.file, c.target, c.objective)
    return Measured(tools, rows)


def main(title: str, baseline_file: Path, head: str, compiles: Mapping[str, Compile]) -> None:
    """The command: prints a table, and checks against a baseline file or writes it, and the table beside it below `head`."""
    parser = argparse.ArgumentParser(description=title)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help=f"fail when a figure is more than {PERCENT} %% above the baseline")
    choice.add_argument("--update", action="store_true", help="write the baseline")
    options = parser.parse_args()
    found = measure(Path(os.environ.get("TAPEOUT_ZOO", ROOT.parent / "shared" / "zoo")) / "mlperf_tiny", compiles)
    print(found.table())
    if options.update:
        baseline_file.write_text(found.to_json())
        baseline_file.with_suffix(".md").write_text(head.format(date=datetime.date.today()) + found.table() + "\n")
    if options.check:
        baseline = from_json(baseline_file.read_text())
        if baseline.tools != found.tools:
            print(f"note: the baseline was made by {'; '.join(baseline.tools.values())}", file=sys.stderr)
        worse = rises(baseline, found)
        if worse:
            raise SystemExit("\n".join(worse))


if __name__ == "__main__":
    main("What the MLPerf Tiny int8 networks cost on Cortex-M.", BASELINE, HEAD, COMPILES)
