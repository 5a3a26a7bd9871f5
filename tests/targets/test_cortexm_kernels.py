"""Every op on every type on Cortex-M cores in QEMU: the C that gcc makes for the core against the reference, in every bit."""
from __future__ import annotations

from pathlib import Path

import pytest

from tapeout.targets.cortexm.target import TARGETS, CortexM
from tests.cases import ops_with_cases

from .board import assert_equal_to_the_reference

USUAL = ("cortex-m0", "cortex-m4", "cortex-m55")  # soft float, scalar float unit, vectors; the others are alike and long


@pytest.mark.parametrize("op", ops_with_cases())
@pytest.mark.parametrize(
    "target", [pytest.param(t, marks=[] if t.name in USUAL else [pytest.mark.long]) for t in TARGETS], ids=lambda t: t.name
)
def test_core_equals_the_reference(target: CortexM, op: str, programs: Path) -> None:
    assert_equal_to_the_reference(target, op, programs)
