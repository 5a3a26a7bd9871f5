"""Programs with marks around `<name>_init`, `<name>_run` and, when watched, each node, at which a machine notes what it counts."""
from __future__ import annotations

from pathlib import Path

from tapeout.targets.c.names import Names
from tapeout.targets.compiled import Compiled
from tapeout.targets.microcontroller.firmware import Firmware

from .engine import program_flags, program_sources
from .firmware_machine import FirmwareMachine

COUNTING = Path(__file__).parent / "counting"


def build_marked(machine: FirmwareMachine, compiled: Compiled, hooks: str, folder: Path, watched: bool) -> Firmware:
    """The program that runs the samples of inputs.bin, with `hooks` that make the marks: measure or cycles."""
    foreign = ",".join(f"tapeout_foreign[{i}]" for i in range(len(compiled.plan.foreign(compiled.graph))))
    functions = [
        f"-DMODEL_INIT={compiled.name}_init", f"-DMODEL_RUN={Names(compiled.graph, compiled.name).entry}",
        f'-DMODEL_HEADER="{compiled.name}.h"',
        f"-DMODEL_ARGUMENTS={foreign}",
    ]
    nodes = ["-DTAPEOUT_HOOKS"] if watched else []
    # The folder of the marks comes first: for the model, its hooks.h stands for the harness's.
    flags = [*nodes, *functions, f"-I{COUNTING}", *program_flags(compiled, "plain")]
    sources = program_sources(compiled, hooks, folder)
    return machine.build(compiled, sources, flags, folder, ["-Wl,--wrap=tapeout_init,--wrap=tapeout_run"])
