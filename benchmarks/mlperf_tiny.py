"""What the MLPerf Tiny int8 networks cost: `python benchmarks/mlperf_tiny.py [FOLDER]` prints the table of mlperf_tiny.md.

Instructions, bytes and MACs are exact and repeat; compile time, its peak memory and the reference's speed are of this machine.
"""
from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tapeout.compiler.run import run
from tapeout.cosim.vectors import random_inputs
from tapeout.targets.bundle import Bundle

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("ad_autoencoder", "ic_resnet8", "kws_dscnn", "vww_mobilenet96")
TARGETS = ("cortex-m0", "cortex-m4", "cortex-m55")
# TensorFlow Lite Micro with CMSIS-NN (sources of July 2026) on the same files, gcc -O2: arena bytes on a Cortex-M4.
MICRO_ARENA = {"ad_autoencoder": 2580, "ic_resnet8": 54996, "kws_dscnn": 22820, "vww_mobilenet96": 100708}


@dataclass(frozen=True)
class Row:
    model: str
    target: str
    report: dict[str, Any]
    seconds: float
    peak_bytes: int
    samples_per_second: float

    def cells(self) -> list[str]:
        memory, totals = self.report["memory"], self.report["totals"]
        per_mac = totals["instructions"] / totals["macs_executed"]
        arena = f"{memory['arena_bytes']:,} ({memory['arena_bytes'] / MICRO_ARENA[self.model]:.2f} x)"
        return [
            self.model, self.target, f"{totals['macs']:,}", f"{totals['macs_executed']:,}", f"{totals['instructions']:,}", f"{per_mac:.2f}",
            arena, f"{memory['stack_bytes']:,}", f"{memory['flash_bytes']:,}", f"{memory['flash_bytes'] - memory['weight_bytes']:,}",
            f"{self.seconds:.1f}", f"{self.peak_bytes / 2**20:.0f}", f"{self.samples_per_second:.0f}",
        ]


TITLES = (
    "model", "target", "MACs", "executed", "instructions", "per executed MAC", "arena B (of TFLite Micro's)", "stack B", "flash B",
    "flash less weights B", "compile s", "compile peak MiB", "reference samples/s",
)


def measure(model: Path, target: str) -> Row:
    """Compiles one model for one target, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        start = time.perf_counter()
        command = [str(Path(sys.executable).parent / "tapeout"), "compile", str(model), "--target", target, "-o", str(out)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            raise SystemExit(f"{model.name} does not compile for {target}")
        graph = Bundle.load(out).graph
        report = json.loads((out / "report.json").read_text())
    inputs = random_inputs(graph, 100, seed=0)
    start = time.perf_counter()
    run(graph, inputs)
    speed = 100 / (time.perf_counter() - start)
    return Row(model.stem.removesuffix("_int8"), target, report, seconds, usage.ru_maxrss * 1024, speed)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(os.environ.get("TAPEOUT_ZOO", ROOT.parent / "shared" / "zoo")) / "mlperf_tiny"
    rows = [measure(folder / f"{model}_int8.tflite", target) for model in MODELS for target in TARGETS]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    lines = [
        f"# MLPerf Tiny, int8, {date.today()}\n",
        "`make benchmarks` made this. Instructions are counted in QEMU, of one run; they are no cycles.\n",
        f"| {' | '.join(TITLES)} |",
        "|" + "---|" * len(TITLES),
        *(f"| {' | '.join(row.cells())} |" for row in rows),
        f"\nTools: {'; '.join(rows[0].report['tools'].values())}.",
        f"Times: {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}. Peak with the reference: {peak} MiB.",
    ]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
