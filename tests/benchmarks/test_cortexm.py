"""The comparison with the committed baseline bites on a doctored one, for each figure, and lets 1 % pass."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.cortexm import BASELINE, MODELS, OBJECTIVES, WATCHED, Measured, from_json, measure, rises

COMMITTED = from_json(BASELINE.read_text())
NAME = "kws_dscnn/cortex-m4/time"
MOST_CODE = 14_000  # bytes of flash without weights, where a build is made for size


def doctored(figure: str, value: int) -> Measured:
    """The committed baseline with another figure in one row."""
    return replace(COMMITTED, rows={**COMMITTED.rows, NAME: replace(COMMITTED.rows[NAME], **{figure: value})})


def test_the_baseline_is_complete() -> None:
    kinds = [f"{target}/{objective}" for target, objectives in OBJECTIVES.items() for objective in objectives]
    assert set(COMMITTED.rows) == {f"{model}/{kind}" for model in MODELS for kind in kinds}
    assert from_json(COMMITTED.to_json()) == COMMITTED
    assert rises(COMMITTED, COMMITTED) == []


@pytest.mark.parametrize("model", MODELS)
def test_builds_for_size_are_small(model: str) -> None:
    assert COMMITTED.rows[f"{model}/cortex-m4/size"].code_bytes <= MOST_CODE


@pytest.mark.parametrize("figure", WATCHED)
def test_a_rise_above_one_percent_is_named(figure: str) -> None:
    value = getattr(COMMITTED.rows[NAME], figure)
    lower = value * 100 // 102
    (line,) = rises(doctored(figure, lower), COMMITTED)
    assert line == f"{NAME}: {figure} {value:,}, baseline {lower:,} ({value / lower - 1:+.1%})"
    assert rises(COMMITTED, doctored(figure, lower)) == []  # a fall is none


def test_one_percent_passes_and_a_hair_more_does_not() -> None:
    assert rises(doctored("cycles", 10_000), doctored("cycles", 10_100)) == []
    assert len(rises(doctored("cycles", 10_000), doctored("cycles", 10_101))) == 1


def test_a_lost_row_is_named() -> None:
    rows = {name: row for name, row in COMMITTED.rows.items() if name != NAME}
    assert rises(COMMITTED, replace(COMMITTED, rows=rows)) == [f"{NAME}: only in one of baseline and tree"]


def test_the_table_has_a_line_for_each_row() -> None:
    lines = COMMITTED.table().splitlines()
    assert len(lines) == 2 + len(COMMITTED.rows) and all(line.count("|") == lines[0].count("|") for line in lines)


@pytest.mark.long
def test_no_count_rises(zoo: Path) -> None:
    assert rises(COMMITTED, measure(zoo / "mlperf_tiny")) == []
