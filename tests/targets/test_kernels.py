"""Every op on every type: the C of the portable target against the reference, in every bit."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.run import run
from tapeout.targets.c.target import KERNELS, TARGETS
from tests.cases import all_cases, cases_of, ops_with_cases, samples

from .matrix import difference, nets, run_cases

OPS = Path(__file__).parents[2] / "compiler" / "ops"
ALIASES = {"reshape"}  # ops whose output is their input's bytes, so that no kernel runs
ANNOTATIONS = {"fake_quantize", "fake_threshold"}  # ops that are gone before any target sees the graph


@pytest.mark.parametrize("op", ops_with_cases())
def test_c_equals_the_reference(op: str, tmp_path: Path) -> None:
    """All cases of an op are one program: to build it is what takes the time."""
    outputs, wrong = run_cases(cases_of(op), TARGETS[0], tmp_path), []
    for case in cases_of(op):
        with np.errstate(all="ignore"):
            expected = run(case.graph, samples(case))
        for net in nets([case], TARGETS[0]):
            found = {name: difference(outputs[net.name][name], array) for name, array in expected.items()}
            wrong += [f"{net.name} {name}: {words}" for name, words in found.items() if words]
    assert wrong == []


def test_every_op_has_cases_and_a_kernel() -> None:
    ops = {p.stem for p in OPS.glob("*.py")} - {"__init__"} - ANNOTATIONS
    assert ops - set(ops_with_cases()) == set(), "ops without tests/cases/<op>.py"
    kernels = {p.stem for p in KERNELS.glob("*.h")}
    assert ops - ALIASES - kernels == set(), "ops without targets/c/kernels/<op>.h"


def test_case_names_are_distinct_and_name_their_op() -> None:
    names = [c.name for c in all_cases()]
    assert len(set(names)) == len(names)
    assert [n for op in ops_with_cases() for c in cases_of(op) if not (n := c.name).startswith(op) or c.op != op] == []
