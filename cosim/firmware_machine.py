"""Machines that run firmware of microcontrollers: one build, whatever simulates the core."""
from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tapeout.targets import tools
from tapeout.targets.compiled import Compiled
from tapeout.targets.microcontroller.family import Family, Microcontroller
from tapeout.targets.microcontroller.firmware import Firmware, compile_objects, core, link_where_it_fits

from .engine import HARNESS, EngineFailed, failure, program_flags, program_sources

CORES = Path(__file__).parent / "cores"


def machine_sources(family: Family) -> list[Path]:
    """The C files that link a program of a family's cores to a simulator: the port, and the start of the core."""
    return [HARNESS / "port_semihosting.c", *family.sources]


@dataclass(frozen=True)
class FirmwareMachine(ABC):
    """Builds for a board with the target's core that QEMU models, and starts it; `seconds` end an endless run."""

    name: str
    seconds: int = 900

    @abstractmethod
    def headers(self, family: Family) -> tuple[Path, ...]:
        """The folders of semihost.h and mark.h."""

    @abstractmethod
    def boot(self, target: Microcontroller, firmware: Firmware, folder: Path, options: Sequence[str] = ()) -> tuple[int, str]:
        """Starts a program of a core with `folder` as its working directory; returns its exit status and what it printed.

        Raises MissingTool, and subprocess.TimeoutExpired after so many seconds.
        """

    def execute(self, compiled: Compiled, hooks: str, inputs: bytes, folder: Path) -> bytes:
        firmware = self.build(compiled, program_sources(compiled, hooks, folder), program_flags(compiled, hooks), folder)
        (folder / "inputs.bin").write_bytes(inputs)
        try:
            self.start(compiled, firmware, folder)
        except EngineFailed as error:
            if hooks == "plain" and not error.node:  # the trace build knows which node runs
                (folder / "traced").mkdir()
                self.execute(compiled, "trace", inputs, folder / "traced")
            raise
        return (folder / "outputs.bin").read_bytes()

    def build(
        self, compiled: Compiled, sources: Sequence[Path], flags: Sequence[str], folder: Path, link_flags: Sequence[str] = ()
    ) -> Firmware:
        """The program of these sources and the machine's own for the first board whose memories are large enough.

        Raises MissingTool, and EngineFailed when it does not compile or no board is large enough.
        """
        target = core(compiled)
        try:
            library = compiled.selection.library(compiled.graph)
            linked = [*sources, *machine_sources(target.family)]
            objects = compile_objects(target, linked, folder, self.headers(target.family), [*flags, "-g"], library)
            firmware = link_where_it_fits(target, target.qemu_boards, objects, folder / f"{compiled.name}.elf", link_flags)
        except tools.ToolFailed as error:
            raise EngineFailed(self.name, f"the C does not compile: {error}") from None
        if firmware.overflow:
            raise EngineFailed(self.name, f"no board of {target.name} in QEMU is large enough: {firmware.shortage}")
        return firmware

    def start(self, compiled: Compiled, firmware: Firmware, folder: Path, options: Sequence[str] = ()) -> None:
        """Runs a program to its end in `folder`. Raises MissingTool, and EngineFailed when it does not end well."""
        try:
            status, printed = self.boot(core(compiled), firmware, folder, options)
        except subprocess.TimeoutExpired:
            raise EngineFailed(self.name, f"still runs after {self.seconds} seconds") from None
        if status:
            raise failure(self.name, compiled, printed, _fault(core(compiled).family, firmware, printed))


def _fault(family: Family, firmware: Firmware, printed: str) -> str:
    """Where the core took an exception: `fault at 0x0000012c in conv2d_s8, conv2d.h:45`; empty when it took none."""
    marker = "tapeout: fault at "
    at = printed.find(marker)
    if at < 0:
        return next((line for line in printed.splitlines() if "Lockup" in line or "fatal" in line), "")
    address = printed[at + len(marker) :].split(maxsplit=1)[0]
    function, place = tools.call([family.toolchain.addr2line, "-f", "-s", "-e", firmware.elf, address]).split()[:2]
    return f"fault at {address}" if function == "??" else f"fault at {address} in {function}, {place}"
