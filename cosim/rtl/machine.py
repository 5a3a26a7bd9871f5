"""The engine rtl-core: firmware on a core's RTL, with the cycles of each layer.

The memory answers in one cycle, as a core's own closely coupled memory does; a chip's flash, caches and buses take more.
"""
from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tapeout.compiler.run import check_inputs
from tapeout.targets.compiled import Compiled
from tapeout.targets.microcontroller.family import Family, Microcontroller
from tapeout.targets.microcontroller.firmware import Firmware

from ..engine import EngineFailed, Harnessed, Inputs, Outputs
from ..firmware_machine import FirmwareMachine
from ..marks import build_marked
from ..records import encode
from .simulator import FOLDER, simulator

NOTES, STALLS = "notes", "stalls"


@dataclass(frozen=True)
class RtlMachine(FirmwareMachine):
    """CV32E40P in Verilator; `most_cycles` end an endless run, and one that waits for what never comes."""

    name: str = "rtl-core"
    seconds: int = 7200
    most_cycles: int = 1_000_000_000
    cores: int = 1

    def headers(self, family: Family) -> tuple[Path, ...]:
        return (FOLDER,)

    def boot(self, target: Microcontroller, firmware: Firmware, folder: Path, options: Sequence[str] = ()) -> tuple[int, str]:
        command: list[str | Path] = [simulator(), firmware.elf, str(self.cores), str(self.most_cycles), NOTES, STALLS, *options]
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=self.seconds, check=False)
        return done.returncode, (done.stderr + done.stdout).decode(errors="replace")


@dataclass(frozen=True)
class Cycles:
    """Of `<name>_init` and `<name>_run`, and of each node by its number, with the call and a mark: a handful of cycles each.

    The nodes are counted in a build with two marks per node, so their sum is close to that of `run`, not equal.
    """

    init: int
    run: int
    nodes: tuple[int, ...]


@dataclass(frozen=True)
class RtlCore:
    """All samples with the memory plan as it is."""

    name: str = "rtl-core"
    machine: RtlMachine = field(default_factory=RtlMachine)

    def run(self, compiled: Compiled, inputs: Inputs) -> Outputs:
        return Harnessed(self.name, self.machine).run(compiled, inputs)

    def cycles(self, compiled: Compiled, inputs: Inputs) -> Cycles:
        """What the first of the samples, (N, *shape) by value name, takes.

        Raises MissingTool, EngineFailed, and TapeoutError for inputs that do not fit.
        """
        check_inputs(compiled.graph, inputs)
        sample = encode(compiled.graph, {name: inputs[name][:1] for name in compiled.graph.input_names})
        plain, watched = (self._notes(compiled, sample, watched) for watched in (False, True))
        nodes = len(compiled.graph.nodes)
        if len(plain) != 4 or len(watched) != 4 + 2 * nodes:
            raise EngineFailed(self.name, f"made {len(plain)} and {len(watched)} marks, expected 4 and {4 + 2 * nodes}")
        ends = zip(watched[3:-1:2], watched[4:-1:2], strict=True)
        return Cycles(plain[1] - plain[0], plain[3] - plain[2], tuple(after - before for before, after in ends))

    def _notes(self, compiled: Compiled, sample: bytes, watched: bool) -> list[int]:
        with tempfile.TemporaryDirectory(prefix="tapeout-") as name:
            folder = Path(name)
            (folder / "inputs.bin").write_bytes(sample)
            firmware = build_marked(self.machine, compiled, "cycles", folder, watched)
            self.machine.start(compiled, firmware, folder)
            return [int(line) for line in (folder / NOTES).read_text().split()]


RTL_CORE = RtlCore()
