"""Runs programs of the matrix as firmware of a core in QEMU."""
from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from tapeout.compiler.ir import Array
from tapeout.compiler.run import run
from tapeout.cosim.engine import HARNESS
from tapeout.cosim.firmware_machine import machine_sources
from tapeout.cosim.qemu import QemuMachine, machine_headers
from tapeout.targets import all_targets
from tapeout.targets.microcontroller.family import Microcontroller
from tapeout.targets.microcontroller.firmware import Firmware, compile_objects, link
from tapeout.targets.target import Library
from tests.cases import Case, cases_of, samples

from .matrix import Runner, difference, nets, run_cases

MACHINE = QemuMachine(seconds=120)
CORES = tuple(t for t in all_targets() if isinstance(t, Microcontroller))
SHIM = Path(__file__).parent / "semihosting"
STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Werror")


@cache
def _support(target: Microcontroller, folder: Path) -> tuple[Path, ...]:
    """The objects that every program of a core links."""
    folder.mkdir()
    sources = [SHIM / "node.c", *machine_sources(target.family)]
    return tuple(compile_objects(target, sources, folder, [machine_headers(target.family), HARNESS], STRICT))


def linked(target: Microcontroller, program: Path, folder: Path) -> Firmware:
    """A program of one C file that uses the port, for the first board of a core in QEMU."""
    sources = [program, *machine_sources(target.family)]
    objects = compile_objects(target, sources, folder, [machine_headers(target.family), HARNESS])
    return link(target, target.qemu_boards[0], objects, program.with_suffix(".elf"))


def outputs_or_fault(cases: Sequence[Case], target: Microcontroller, work: Path, folder: Path) -> dict[str, dict[str, Array]] | None:
    """What `run_cases` gives; None where a kernel stops the core or writes a byte that is not its own."""
    try:
        return run_cases(cases, target, work, on_board(target, folder))
    except AssertionError:
        return None


def on_board(target: Microcontroller, folder: Path, library: Library | None = None) -> Runner:
    """A runner for a core; `folder` keeps what all its programs share, `library` is what their kernels call."""

    # Whatever its kernels and its class, a core's support is compiled alike.
    core = Microcontroller(target.name, (), target.family, target.flags, target.qemu, target.simulator_options)

    def run_there(work: Path, sources: Sequence[str]) -> None:
        objects = compile_objects(target, [work / s for s in sources], work, [SHIM, HARNESS], STRICT, library)
        shared = _support(core, folder / core.name)
        firmware = link(target, target.qemu_boards[-1], [*objects, *shared], work / "program.elf", ["-Wl,--wrap=main"])
        firmware.require_fit()
        assert MACHINE.boot(target, firmware, work) == (0, "")

    return run_there


def assert_equal_to_the_reference(target: Microcontroller, op: str, programs: Path) -> None:
    """That every kernel of a core gives what the reference does for all cases of an op; `programs` is as for `on_board`."""
    work = programs / f"{target.name}_{op}"
    work.mkdir()
    found = run_cases(cases_of(op), target, work, on_board(target, programs))
    for case in cases_of(op):
        with np.errstate(all="ignore"):
            expected = run(case.graph, samples(case))
        for net in nets([case], target):
            for name, array in expected.items():
                assert difference(found[net.name][name], array) is None, f"{net.name}: {difference(found[net.name][name], array)}"
