"""Every op on every type on Cortex-M cores in QEMU: the C that gcc makes for the core against the reference, in every bit."""
from __future__ import annotations

from pathlib import Path

import pytest

from tapeout.targets.c.target import KERNELS
from tapeout.targets.cortexm.target import TARGETS, CortexM
from tests.cases import ops_with_cases

from .board import assert_equal_to_the_reference

ALL, OWN = "cortex-m4", ("cortex-m0", "cortex-m55")  # scalar float unit; soft float and vectors; the others are alike and long


def usual(target: CortexM, op: str) -> bool:
    """Whether a short run has it: one core runs every op, two more those for which they have kernels of their own."""
    own = (path for folder in target.kernels if folder != KERNELS for path in folder.glob(f"{op}*.h"))
    return target.name == ALL or (target.name in OWN and any(own))


@pytest.mark.parametrize(("target", "op"), [
    pytest.param(t, op, marks=[] if usual(t, op) else [pytest.mark.long], id=f"{t.name}-{op}") for t in TARGETS for op in ops_with_cases()
])
def test_core_equals_the_reference(target: CortexM, op: str, programs: Path) -> None:
    assert_equal_to_the_reference(target, op, programs)
