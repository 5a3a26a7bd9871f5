"""Runs programs of the matrix as firmware of a core in QEMU."""
from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tapeout.compiler.ir import Array
from tapeout.cosim.qemu import PORT, STARTUP, boot
from tapeout.targets.cortexm.firmware import compile_objects, link
from tapeout.targets.cortexm.target import CortexM
from tapeout.targets.target import Library
from tests.cases import Case

from .matrix import Runner, run_cases

SHIM = Path(__file__).parent / "semihosting"
STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Werror")


@cache
def _support(target: CortexM, folder: Path) -> tuple[Path, ...]:
    """The objects that every program of a core links."""
    folder.mkdir()
    return tuple(compile_objects(target, [SHIM / "node.c", PORT, STARTUP], folder, include=[PORT.parent], flags=STRICT))


def outputs_or_fault(cases: Sequence[Case], target: CortexM, work: Path, folder: Path) -> dict[str, dict[str, Array]] | None:
    """What `run_cases` gives; None where a kernel stops the core or writes a byte that is not its own."""
    try:
        return run_cases(cases, target, work, on_board(target, folder))
    except AssertionError:
        return None


def on_board(target: CortexM, folder: Path, library: Library | None = None) -> Runner:
    """A runner for a core; `folder` keeps what all its programs share, `library` is what their kernels call."""

    core = CortexM(target.name, (), target.flags, target.qemu)  # whatever its kernels and its class, a core's support is compiled alike

    def run(work: Path, sources: Sequence[str]) -> None:
        objects = compile_objects(target, [work / s for s in sources], work, [SHIM, PORT.parent], STRICT, library)
        shared = _support(core, folder / core.name)
        firmware = link(target, target.qemu_boards[-1], [*objects, *shared], work / "program.elf", ["-Wl,--wrap=main"])
        firmware.require_fit()
        assert boot(firmware, work, 120) == (0, "")

    return run
