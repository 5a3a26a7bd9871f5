"""Every op on every type on Cortex-M cores in QEMU: the C that gcc makes for the core against the reference, in every bit."""
from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.ir import Array
from tapeout.compiler.run import run
from tapeout.cosim.qemu import PORT, STARTUP, boot
from tapeout.targets.cortexm.firmware import compile_objects, link
from tapeout.targets.cortexm.target import TARGETS, CortexM
from tests.cases import cases_of, ops_with_cases, samples

from .matrix import difference, nets, run_cases

SHIM = Path(__file__).parent / "semihosting"
STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
USUAL = ("cortex-m0", "cortex-m4", "cortex-m55")  # soft float, scalar float unit, vectors; the others are alike and long


@cache
def support(target: CortexM, folder: Path) -> tuple[Path, ...]:
    """The objects that every program of a core links."""
    folder.mkdir()
    return tuple(compile_objects(target, [SHIM / "node.c", PORT, STARTUP], folder, include=[PORT.parent], flags=STRICT))


def outputs(target: CortexM, op: str, folder: Path) -> dict[str, dict[str, Array]]:
    """All cases of one op on a core, as one program, as on the host."""

    def on_board(work: Path, sources: Sequence[str]) -> None:
        files = [work / source for source in sources]
        objects = compile_objects(target, files, work, include=[SHIM, PORT.parent], flags=STRICT)
        shared = support(target, folder / target.name)
        board = target.qemu_boards[-1]
        firmware = link(target, board, [*objects, *shared], work / "program.elf", ["-Wl,--wrap=main"])
        firmware.require_fit()
        assert boot(firmware, work, 120) == (0, "")

    work = folder / f"{target.name}_{op}"
    work.mkdir()
    return run_cases(cases_of(op), target, work, on_board)


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cortexm")


@pytest.mark.parametrize("op", ops_with_cases())
@pytest.mark.parametrize(
    "target", [pytest.param(t, marks=[] if t.name in USUAL else [pytest.mark.long]) for t in TARGETS], ids=lambda t: t.name
)
def test_core_equals_the_reference(target: CortexM, op: str, programs: Path) -> None:
    found = outputs(target, op, programs)
    for case in cases_of(op):
        with np.errstate(all="ignore"):
            expected = run(case.graph, samples(case))
        for net in nets([case], target):
            for name, array in expected.items():
                assert difference(found[net.name][name], array) is None, f"{net.name}: {difference(found[net.name][name], array)}"
