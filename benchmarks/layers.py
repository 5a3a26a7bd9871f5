"""What each layer of the MLPerf Tiny int8 networks executes, and what bounds it: `python benchmarks/layers.py [--update]`.

Prints a table for each network and core, built with --optimize time; `--update` writes them as layers.md. The models are those of
TAPEOUT_ZOO.
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
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("ad_autoencoder", "ic_resnet8", "kws_dscnn", "vww_mobilenet96")
CORES = ("cortex-m4", "cortex-m55")
KINDS = {  # the classes of cosim/counting/classes.h, by what they are there for
    "multiply": ("multiply", "multiply_long", "vector_multiply"),
    "load": ("load", "load_next", "load_multiple", "vector_load", "vector_gather"),
    "store": ("store", "store_multiple", "vector_store"),
    "branch": ("branch_taken", "branch_not_taken", "loop_end"),
}
HEAD = """\
# What bounds each layer

Measured {date} by `python benchmarks/layers.py --update`: the MLPerf Tiny int8 networks with `--optimize time`, counted in QEMU with a
mark between nodes. Instructions and modelled cycles are per executed MAC. The other columns say which instructions those are:
multiplications (the requantization's are among them), loads, stores, branches, and the rest (arithmetic that prepares operands, and
addresses). Two MACs an instruction are what SMLAD of the DSP extension does, sixteen what VMLADAV of Helium does: 0.50 and 0.0625
multiplications per MAC bound every layer from below. What lies above is what the layer pays for: few channels or pixels per weight show
as loads, few MACs per output as stores and the rest.
"""
TITLES = ("layer", "op", "output", "kernel", "instr/MAC", "cycles/MAC", *KINDS, "rest", "bound by")


def row(layer: Mapping[str, Any]) -> str:
    """A line of the table for a layer with MACs."""
    macs, classes = layer["macs_executed"], layer["classes"]
    counts = {kind: sum(classes.get(name, 0) for name in names) for kind, names in KINDS.items()}
    counts["rest"] = layer["instructions"] - sum(counts.values())
    most = max(counts, key=lambda kind: counts[kind])
    cells = [
        layer["name"].rpartition("/")[0].rpartition("/")[2] or layer["name"], layer["op"], layer["output"], layer["kernel"],
        f"{layer['instructions_per_mac']:.3f}", f"{layer['cycles_per_mac']:.3f}",
        *(f"{count / macs:.3f}" for count in counts.values()), most,
    ]
    return f"| {' | '.join(cells)} |"


def table(model: Path, core: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        tapeout = str(Path(sys.executable).parent / "tapeout")
        command = [tapeout, "compile", str(model), "--target", core, "-o", f"{folder}/out"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{model.name} does not compile for {core}: {done.stderr}")
        layers = json.loads((Path(folder) / "out" / "report.json").read_text())["layers"]
    lines = [row(layer) for layer in layers if layer["macs_executed"] and layer["instructions"]]
    return "\n".join([f"## {model.stem} on {core}", "", f"| {' | '.join(TITLES)} |", "|" + "---|" * len(TITLES), *lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description="What bounds each layer of the MLPerf Tiny int8 networks on Cortex-M.")
    parser.add_argument("--update", action="store_true", help="write layers.md")
    options = parser.parse_args()
    zoo = Path(os.environ.get("TAPEOUT_ZOO", ROOT.parent / "shared" / "zoo")) / "mlperf_tiny"
    text = "\n".join(table(zoo / f"{model}_int8.tflite", core) for model in MODELS for core in CORES)
    print(text)
    if options.update:
        (ROOT / "benchmarks" / "layers.md").write_text(HEAD.format(date=datetime.date.today()) + "\n" + text)


if __name__ == "__main__":
    main()
