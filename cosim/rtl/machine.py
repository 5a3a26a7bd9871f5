"""The engines rtl-core and rtl-cluster: firmware on a core's RTL, or on eight cores, with the cycles of each layer.

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
from ..records import decode, encode
from .simulator import FOLDER, simulator

NOTES, STALLS = "notes", "stalls"
# Of the cluster that stands in pulp-sdk's rtos/pulpos/pulp/kernel/chips/pulp/link.ld.
L1_BYTES = 64 << 10


@dataclass(frozen=True)
class RtlMachine(FirmwareMachine):
    """CV32E40P in Verilator, or several of them; `most_cycles` end an endless run, and one that waits for what never comes."""

    name: str = "rtl-core"
    seconds: int = 7200
    most_cycles: int = 1_000_000_000
    cores: int = 1

    def assumptions(self, arena_bytes: int) -> str:
        """What the test bench models, in words."""
        if self.cores == 1:
            return "the core's RTL with its FPU; instructions and data come in the next cycle"
        above = f"; the arena of {arena_bytes:,} bytes is above a cluster's L1 of {L1_BYTES:,}: all of it counts as such memory, ideally"
        return (
            f"{self.cores} cores' RTL, each with its FPU; instructions come in the next cycle, as do data from 16 banks of words that "
            f"serve one core a cycle each; no DMA, no L2{above if arena_bytes > L1_BYTES else ''}"
        )

    def headers(self, family: Family) -> tuple[Path, ...]:
        return (FOLDER,)

    def boot(self, target: Microcontroller, firmware: Firmware, folder: Path, options: Sequence[str] = ()) -> tuple[int, str]:
        assert target.rtl, f"{target.name} has no RTL"
        command: list[str | Path] = [simulator(target.rtl), firmware.elf, str(self.cores), str(self.most_cycles), NOTES, STALLS, *options]
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=self.seconds, check=False)
        return done.returncode, (done.stderr + done.stdout).decode(errors="replace")


@dataclass(frozen=True)
class Stalls:
    """Cycles of all cores together in which a bank of the memory served another core, and in which cores waited at a barrier."""

    banks: int
    barriers: int


@dataclass(frozen=True)
class Cycles:
    """Of `<name>_init` and `<name>_run`, and of each node by its number, with the call and a mark: a handful of cycles each.

    The nodes are counted in a build with two marks per node, so their sum is close to that of `run`, not equal.
    """

    init: int
    run: int
    nodes: tuple[int, ...]
    cores: int
    run_stalls: Stalls
    node_stalls: tuple[Stalls, ...]

    def share(self, stalls: int) -> float:
        """Cycles of all cores together as a share of all that there were in the run."""
        return stalls / (self.cores * self.run)


@dataclass(frozen=True)
class Mark:
    """A cycle, and what all cores had waited until then."""

    cycle: int
    banks: int
    barriers: int

    def until(self, end: Mark) -> tuple[int, Stalls]:
        return end.cycle - self.cycle, Stalls(end.banks - self.banks, end.barriers - self.barriers)


@dataclass(frozen=True)
class RtlCore:
    """All samples with the memory plan as it is, on so many cores as the machine has."""

    name: str = "rtl-core"
    machine: RtlMachine = field(default_factory=RtlMachine)

    def run(self, compiled: Compiled, inputs: Inputs) -> Outputs:
        return Harnessed(self.name, self.machine).run(compiled, inputs)

    def cycles(self, compiled: Compiled, inputs: Inputs) -> Cycles:
        """What the first of the samples, (N, *shape) by value name, takes.

        Raises MissingTool, EngineFailed, and TapeoutError for inputs that do not fit.
        """
        plain, _ = self._marks(compiled, inputs, watched=False)
        return self._cycles(compiled, plain, self._marks(compiled, inputs, watched=True)[0])

    def profile(self, compiled: Compiled, inputs: Inputs) -> tuple[Outputs, Cycles]:
        """What the first sample gives and takes, by one simulation instead of three: with the marks of the nodes in the run."""
        marks, data = self._marks(compiled, inputs, watched=True)
        graph = compiled.graph
        arrays = decode(data, 1, [graph.values[name].type for name in graph.output_names])
        return dict(zip(graph.output_names, arrays, strict=True)), self._cycles(compiled, marks, marks)

    def _cycles(self, compiled: Compiled, plain: Sequence[Mark], watched: Sequence[Mark]) -> Cycles:
        nodes = len(compiled.graph.nodes)
        if len(plain) not in (4, 4 + 2 * nodes) or len(watched) != 4 + 2 * nodes:
            raise EngineFailed(self.name, f"made {len(plain)} and {len(watched)} marks, expected 4 and {4 + 2 * nodes}")
        spans = [before.until(after) for before, after in zip(watched[3:-1:2], watched[4:-1:2], strict=True)]
        run, run_stalls = plain[2].until(plain[-1])
        cycles, stalls = tuple(span[0] for span in spans), tuple(span[1] for span in spans)
        return Cycles(plain[1].cycle - plain[0].cycle, run, cycles, self.machine.cores, run_stalls, stalls)

    def _marks(self, compiled: Compiled, inputs: Inputs, watched: bool) -> tuple[list[Mark], bytes]:
        """The marks of a run of the first sample, and its outputs.bin."""
        check_inputs(compiled.graph, inputs)
        with tempfile.TemporaryDirectory(prefix="tapeout-") as name:
            folder = Path(name)
            (folder / "inputs.bin").write_bytes(encode(compiled.graph, {name: inputs[name][:1] for name in compiled.graph.input_names}))
            firmware = build_marked(self.machine, compiled, "cycles", folder, watched)
            self.machine.start(compiled, firmware, folder)
            lines = zip(*((folder / file).read_text().splitlines() for file in (NOTES, STALLS)), strict=True)
            marks = [Mark(*map(int, f"{cycle} {stalls}".split())) for cycle, stalls in lines]
            return marks, (folder / "outputs.bin").read_bytes()


RTL_CORE = RtlCore()
RTL_CLUSTER = RtlCore("rtl-cluster", RtlMachine("rtl-cluster", cores=8))
