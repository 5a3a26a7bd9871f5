"""Runs programs of the matrix as firmware of a core: in QEMU, or on the core's RTL with another machine."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from tapeout.compiler.ir import Array
from tapeout.compiler.run import run
from tapeout.cosim.engine import HARNESS
from tapeout.cosim.firmware_machine import FirmwareMachine, machine_sources
from tapeout.cosim.qemu import QemuMachine, machine_headers
from tapeout.cosim.rtl.machine import RtlMachine
from tapeout.targets import all_targets
from tapeout.targets.microcontroller.family import Microcontroller
from tapeout.targets.microcontroller.firmware import Firmware, compile_objects, link
from tapeout.targets.target import Library
from tests.cases import Case, cases_of, samples

from .matrix import Net, Runner, difference, every, nets, run_cases

MACHINE = QemuMachine(seconds=120)
RTL = RtlMachine(seconds=500, most_cycles=100_000_000)
CORES = tuple(t for t in all_targets() if isinstance(t, Microcontroller))
SHIM = Path(__file__).parent / "semihosting"
STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Werror")


@cache
def _support(target: Microcontroller, headers: Sequence[Path], folder: Path) -> tuple[Path, ...]:
    """The objects that every program of a core links; `headers` are the folders of its machine."""
    folder.mkdir()
    sources = [SHIM / "node.c", *machine_sources(target.family)]
    return tuple(compile_objects(target, sources, folder, [*headers, HARNESS], STRICT))


def linked(target: Microcontroller, program: Path, folder: Path) -> Firmware:
    """A program of one C file that uses the port, for the first board of a core in QEMU."""
    sources = [program, *machine_sources(target.family)]
    objects = compile_objects(target, sources, folder, [machine_headers(target.family), HARNESS])
    return link(target, target.qemu_boards[0], objects, program.with_suffix(".elf"))


def outputs_or_fault(
    cases: Sequence[Case], target: Microcontroller, work: Path, folder: Path, machine: FirmwareMachine = MACHINE,
    which: Callable[[Net], bool] = every,
) -> dict[str, dict[str, Array]] | None:
    """What `run_cases` gives; None where a kernel stops the core or writes a byte that is not its own."""
    try:
        return run_cases(cases, target, work, on_board(target, folder, machine=machine), which)
    except AssertionError:
        return None


def on_board(
    target: Microcontroller, folder: Path, library: Library | None = None, machine: FirmwareMachine = MACHINE
) -> Runner:
    """A runner for a core; `folder` keeps what all its programs share, `library` is what their kernels call.

    A machine of another name than those that used the folder may be built otherwise: `RTL` runs instructions that QEMU lacks.
    """

    # Whatever its kernels and its class, a core's support is compiled alike.
    core = Microcontroller(target.name, (), target.family, target.flags, target.qemu, target.simulator_options, target.rtl)

    def run_there(work: Path, sources: Sequence[str]) -> None:
        objects = compile_objects(target, [work / s for s in sources], work, [SHIM, HARNESS], STRICT, library)
        shared = _support(core, machine.headers(core.family), folder / f"{core.name}_{machine.name}")
        firmware = link(target, target.qemu_boards[-1], [*objects, *shared], work / "program.elf", ["-Wl,--wrap=main"])
        firmware.require_fit()
        assert (ended := machine.boot(target, firmware, work)) == (0, ""), ended

    return run_there


def assert_equal_to_the_reference(
    target: Microcontroller, op: str, programs: Path, machine: FirmwareMachine = MACHINE, which: Callable[[Net], bool] = every
) -> None:
    """That kernels of a core give what the reference does for all cases of an op; `programs` is as for `on_board`."""
    work = programs / f"{target.name}_{machine.name}_{op}"
    work.mkdir()
    found = run_cases(cases_of(op), target, work, on_board(target, programs, machine=machine), which)
    for case in cases_of(op):
        wanted = [net for net in nets([case], target) if which(net)]
        with np.errstate(all="ignore"):
            expected = run(case.graph, samples(case)) if wanted else {}
        for net in wanted:
            for name, array in expected.items():
                assert difference(found[net.name][name], array) is None, f"{net.name}: {difference(found[net.name][name], array)}"
