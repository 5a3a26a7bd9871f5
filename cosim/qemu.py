"""Microcontrollers in QEMU: equality with guard zones, instruction counts and the painted stack."""
from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tapeout.targets import tools
from tapeout.targets.compiled import Compiled
from tapeout.targets.microcontroller.family import Family, Microcontroller
from tapeout.targets.microcontroller.firmware import Firmware

from .compare import differing
from .engine import EngineFailed, Harnessed, Inputs, Outputs
from .firmware_machine import CORES, FirmwareMachine
from .layout import apart

_OPTIONS = ("-nographic", "-monitor", "none", "-serial", "none", "-semihosting-config", "enable=on,target=native")


def machine_headers(family: Family) -> Path:
    """The folder of headers that know a family's instructions."""
    return CORES / family.name


@dataclass(frozen=True)
class QemuMachine(FirmwareMachine):
    """QEMU with the board's machine and the target's core."""

    name: str = "qemu"

    def headers(self, family: Family) -> tuple[Path, ...]:
        return (machine_headers(family),)

    def boot(self, target: Microcontroller, firmware: Firmware, folder: Path, options: Sequence[str] = ()) -> tuple[int, str]:
        if target.beyond:
            raise EngineFailed(self.name, f"its core has no {target.beyond}, which target {target.name} needs")
        machine = ("-M", firmware.board.qemu, *target.family.simulator_options, *target.simulator_options)
        command = [tools.find(target.family.simulator), *machine, *_OPTIONS, *options, "-kernel", str(firmware.elf)]
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=self.seconds, check=False)
        return done.returncode, (done.stderr + done.stdout).decode(errors="replace")


@dataclass(frozen=True)
class Qemu:
    """The target's own code: all samples with the memory plan as it is, the first `guarded` once more with every tensor
    between guard zones and all memory that is not in use painted."""

    name: str = "qemu"
    machine: QemuMachine = field(default_factory=QemuMachine)
    guarded: int = 2

    def run(self, compiled: Compiled, inputs: Inputs) -> Outputs:
        outputs = Harnessed(self.name, self.machine).run(compiled, inputs)
        first = {name: inputs[name][: self.guarded] for name in compiled.graph.input_names}
        watched = Harnessed(self.name, self.machine, "guard", apart).run(compiled, first)
        for name, array in watched.items():
            if differing(outputs[name][: self.guarded], array).any():
                raise EngineFailed(self.name, f"output {name} depends on memory that holds no live tensor")
        return outputs


QEMU = Qemu()
