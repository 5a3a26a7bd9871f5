"""Designs in SystemVerilog as programs, by Verilator, and runs of them."""
from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tapeout.compiler.ir import Array, Type
from tapeout.targets.rtl.emit import Ports

from ..engine import EngineFailed, Inputs, Outputs
from ..verilate import verilate
from .beats import decode, encode

TESTBENCH = Path(__file__).parent / "testbench.cpp"


@dataclass(frozen=True)
class Timing:
    """Cycles of all frames; from the first beat in to the end of the first frame; between ends of frames, rounded up."""

    cycles: int
    latency: int
    interval: int


@dataclass(frozen=True)
class Simulator:
    """A program that simulates the design of `folder`; `types` are those of the values at the ports."""

    program: Path
    folder: Path
    ports: Ports
    types: Mapping[str, Type]

    def run(self, inputs: Inputs, stalls: float = 0.0, seed: int = 0, seconds: int = 900) -> tuple[Outputs, Timing]:
        """The outputs (N, *shape) of frames back to back; each port stalls in a share `stalls` of the cycles. Raises EngineFailed."""
        frames = len(next(iter(inputs.values())))
        patience = 1000 + 64 * self.ports.interval + 8 * sum(p.stream.beats for p in (*self.ports.inputs, *self.ports.outputs))
        with tempfile.TemporaryDirectory(prefix="tapeout-") as place:
            at = Path(place)
            for file in self.folder.glob("*.hex"):
                (at / file.name).symlink_to(file.resolve())
            for index, port in enumerate(self.ports.inputs):
                (at / f"in{index}.bin").write_bytes(encode(inputs[port.value], port))
            arguments = [str(frames), str(round(256 * stalls)), str(seed), str(patience)]
            try:
                done = subprocess.run(
                    [self.program, *arguments], cwd=at, capture_output=True, text=True, timeout=seconds, check=False
                )
            except subprocess.TimeoutExpired:
                raise EngineFailed("rtl", f"still runs after {seconds} seconds") from None
            found = re.search(r"^cycles (\d+) latency (\d+) interval (\d+)$", done.stdout, re.MULTILINE)
            if done.returncode or not found:
                said = re.search(r"^failed: (.+)$", done.stdout, re.MULTILINE)
                raise EngineFailed("rtl", said[1] if said else f"ended with status {done.returncode}: {done.stderr.strip()}")
            return {p.value: self._read(at / f"out{i}.bin", i) for i, p in enumerate(self.ports.outputs)}, Timing(*map(int, found.groups()))

    def _read(self, file: Path, index: int) -> Array:
        port = self.ports.outputs[index]
        type = self.types[port.value]
        return decode(file.read_bytes(), port, type.quantized, type.shape)


def build(
    folder: Path, types: Mapping[str, Type], place: Path, sources: Sequence[Path] = (), options: Sequence[str] = ("-Wall",),
    optimize: str = "-O2",
) -> Simulator:
    """Builds the simulator of a design in `place`. `sources` stand in for the modules of `folder`, which are linted as they are built;
    `optimize` is for the compiler of C++: less of it where a run is shorter than the build.

    Raises MissingTool or ToolFailed.
    """
    ports = Ports.load(folder)
    place.mkdir(parents=True, exist_ok=True)
    lines = [f"    {'IN' if i else 'OUT'}({n}, {p.name}, {p.bytes}, {p.stream.beats}) \\"
             for i, side in ((1, ports.inputs), (0, ports.outputs)) for n, p in enumerate(side)]  # fmt: skip
    text = '#pragma once\n#include "Vdesign.h"\nusing Design = Vdesign;\n#define PORTS \\\n'
    (place / "ports.h").write_text(text + "\n".join(lines) + "\n\n")
    files = [p.resolve() for p in (sources or sorted(folder.glob("*.sv")))]
    arguments: list[str | Path] = [*options, "--top-module", ports.module, "-CFLAGS", f"-I{place.resolve()}", *files, TESTBENCH]
    return Simulator(verilate(arguments, "Vdesign", place / "obj", optimize), folder, ports, types)


def simulate(folder: Path, types: Mapping[str, Type], inputs: Inputs, stalls: float = 0.0, seed: int = 0) -> tuple[Outputs, Timing]:
    """Builds and runs the design of `folder` on inputs (N, *shape) by value name."""
    with tempfile.TemporaryDirectory(prefix="tapeout-") as place:
        return build(folder, types, Path(place)).run(inputs, stalls, seed)
