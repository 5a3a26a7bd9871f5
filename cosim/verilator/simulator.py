"""Designs in SystemVerilog as programs, by Verilator, and runs of them."""
from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Array, Type
from tapeout.targets.rtl.emit import Ports

from ..design import Stopped, Timing
from ..engine import EngineFailed, Inputs, Outputs
from ..verilate import verilate
from .beats import decode, encode

_HERE = Path(__file__).parent
TESTBENCH = _HERE / "testbench.cpp"
_WAVES = {".fst": ("VerilatedFstC", "verilated_fst_c.h"), ".vcd": ("VerilatedVcdC", "verilated_vcd_c.h")}


@dataclass(frozen=True)
class Conditions:
    """What ports do. Each stalls in a share `stalls` of the cycles, at random, but those of the names in `held` wait until nothing in
    the design moves any more, then move one frame, and wait again. `words` are written to addresses of the register port before."""

    stalls: float = 0.0
    seed: int = 0
    held: tuple[str, ...] = ()
    words: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Simulator:
    """A program that simulates the design of `folder`; `types` are those of the values at the ports."""

    program: Path
    folder: Path
    ports: Ports
    types: Mapping[str, Type]
    name: str = "rtl"  # of the engine

    def run(self, inputs: Inputs, stalls: float = 0.0, seed: int = 0, words: Sequence[tuple[int, int]] = ()) -> tuple[Outputs, Timing]:
        """The outputs (N, *shape) of frames back to back. Raises Stopped, or EngineFailed."""
        with tempfile.TemporaryDirectory(prefix="tapeout-") as place:
            return self.run_in(Path(place), inputs, Conditions(stalls, seed, words=tuple(words)))

    def run_in(
        self, at: Path, inputs: Inputs, conditions: Conditions, more: Sequence[str] = (), seconds: int = 900
    ) -> tuple[Outputs, Timing]:
        """Likewise, in a folder whose files the simulation reads and writes; `more` arguments are those of testbench.cpp."""
        for file in self.folder.glob("*.hex"):
            (at / file.name).symlink_to(file.resolve())
        for index, port in enumerate(self.ports.inputs):
            (at / f"in{index}.bin").write_bytes(encode(inputs[port.value], port))
        if conditions.words:
            (at / "load.bin").write_bytes(np.array(conditions.words, "<u4").tobytes())
        command: list[str | Path] = [self.program, *self._arguments(len(next(iter(inputs.values()))), conditions), *more]
        try:
            done = subprocess.run(command, cwd=at, capture_output=True, text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            raise EngineFailed(self.name, f"still runs after {seconds} seconds") from None
        found = re.search(r"^cycles (\d+) latency (\d+) interval (\d+)$", done.stdout, re.MULTILINE)
        if done.returncode or not found:
            raise self._failure(done, conditions)
        cycles, latency, interval = map(int, found.groups())
        outputs = {p.value: self._read(at / f"out{i}.bin", i) for i, p in enumerate(self.ports.outputs)}
        return outputs, Timing(cycles, latency, interval or None, self.ports.interval)

    def _arguments(self, frames: int, conditions: Conditions) -> list[str]:
        ports = (*self.ports.inputs, *self.ports.outputs)
        busy = 64 * self.ports.interval + 8 * sum(p.stream.beats for p in ports)  # cycles in which something moves, stalled or not
        numbers = {
            "frames": frames, "stalls": round(256 * conditions.stalls), "seed": conditions.seed,
            "settle": 500 + 2 * self.ports.interval, "patience": 1000 + busy,
        }  # fmt: skip
        held = [f"held={''.join(f',{name}' for name in conditions.held)}"] if conditions.held else []
        return [*(f"{key}={number}" for key, number in numbers.items()), *held]

    def _failure(self, done: subprocess.CompletedProcess[str], conditions: Conditions) -> EngineFailed:
        said = re.search(r"^failed: (.+)$", done.stdout, re.MULTILINE)
        frame = re.search(r"^frame (\d+)$", done.stdout, re.MULTILINE)
        if said and frame:
            return Stopped(self.name, said[1], int(frame[1]), conditions.stalls)
        return EngineFailed(self.name, said[1] if said else f"ended with status {done.returncode}: {done.stderr.strip()}")

    def _read(self, file: Path, index: int) -> Array:
        port = self.ports.outputs[index]
        type = self.types[port.value]
        return decode(file.read_bytes(), port, type.quantized, type.shape)


def build(
    folder: Path, types: Mapping[str, Type], place: Path, sources: Sequence[Path] = (), options: Sequence[str] = ("-Wall",),
    optimize: str = "-O2", wave: str | None = None,
) -> Simulator:
    """Builds the simulator of a design in `place`. `sources` stand in for the modules of `folder`, which are linted as they are built;
    `optimize` is for the compiler of C++: less of it where a run is shorter than the build; `wave` is the ending of files of waveforms
    that it can write, .fst or .vcd.

    Raises MissingTool or ToolFailed.
    """
    ports = Ports.load(folder)
    place.mkdir(parents=True, exist_ok=True)
    (place / "ports.h").write_text(_ports_header(ports, wave))
    files = [p.resolve() for p in (sources or sorted(folder.glob("*.sv")))]
    flags = f"-I{place.resolve()}" + (f" -I{_HERE / 'lz4'}" if wave == ".fst" else "")
    traced = [f"--trace-{check_wave(wave)}"] if wave else []
    arguments: list[str | Path] = [*options, *traced, "--top-module", ports.module, "-CFLAGS", flags, *files, TESTBENCH]
    make = ("LDLIBS=-lz",) if wave == ".fst" else ()  # in place of LZ4's library, which lz4.h does without
    return Simulator(verilate(arguments, "Vdesign", place / "obj", optimize, make), folder, ports, types)


def check_wave(ending: str) -> str:
    """The name of a format of waveforms for the ending of a file's name. Raises TapeoutError for another one."""
    if ending not in _WAVES:
        raise TapeoutError(f"--waveform: a file's name ends with {' or '.join(_WAVES)}, not {ending!r}")
    return ending[1:]


def _ports_header(ports: Ports, wave: str | None) -> str:
    """ports.h of testbench.cpp."""
    lines = [f"    {'IN' if i else 'OUT'}({n}, {p.name}, {p.bytes}, {p.stream.beats}) \\"
             for i, side in ((1, ports.inputs), (0, ports.outputs)) for n, p in enumerate(side)]  # fmt: skip
    text = '#pragma once\n#include "Vdesign.h"\nusing Design = Vdesign;\n'
    if wave:
        name, header = _WAVES[wave]
        text += f'#include "{header}"\nusing Wave = {name};\n'
    if ports.register_port:
        text += "#define LOAD(signals) signals(s_axil)\n"
    return text + "#define PORTS \\\n" + "\n".join(lines) + "\n\n"
