"""Every op on every type on Cortex-M cores in QEMU: the C that gcc makes for the core against the reference, in every bit."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.run import run
from tapeout.targets.cortexm.target import TARGETS, CortexM
from tests.cases import cases_of, ops_with_cases, samples

from .board import on_board
from .matrix import difference, nets, run_cases

USUAL = ("cortex-m0", "cortex-m4", "cortex-m55")  # soft float, scalar float unit, vectors; the others are alike and long


@pytest.mark.parametrize("op", ops_with_cases())
@pytest.mark.parametrize(
    "target", [pytest.param(t, marks=[] if t.name in USUAL else [pytest.mark.long]) for t in TARGETS], ids=lambda t: t.name
)
def test_core_equals_the_reference(target: CortexM, op: str, programs: Path) -> None:
    work = programs / f"{target.name}_{op}"
    work.mkdir()
    found = run_cases(cases_of(op), target, work, on_board(target, programs))
    for case in cases_of(op):
        with np.errstate(all="ignore"):
            expected = run(case.graph, samples(case))
        for net in nets([case], target):
            for name, array in expected.items():
                assert difference(found[net.name][name], array) is None, f"{net.name}: {difference(found[net.name][name], array)}"
