"""The committed counts of RISC-V are complete, and hold."""
from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.cortexm import from_json, measure, rises
from benchmarks.riscv import BASELINE, COMPILES

COMMITTED = from_json(BASELINE.read_text())


def test_the_baseline_is_complete() -> None:
    assert COMMITTED.rows.keys() == COMPILES.keys()


@pytest.mark.long
def test_no_count_rises(zoo: Path) -> None:
    assert rises(COMMITTED, measure(zoo / "mlperf_tiny", COMPILES)) == []
