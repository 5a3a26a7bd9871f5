"""The comparison of float networks with the committed baseline bites on doctored ones, and lets 1 % pass."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.floats import BASELINE, KINDS, MODELS, RECIPES, Measured, from_json, measure, worse

COMMITTED = from_json(BASELINE.read_text())
NAME, DISTANCE = "kws_dscnn/cortex-m55/fp16-fma/fast", "kws_dscnn/fp16"


def doctored(figure: str, value: int) -> Measured:
    return replace(COMMITTED, rows={**COMMITTED.rows, NAME: replace(COMMITTED.rows[NAME], **{figure: value})})


def test_the_baseline_is_complete() -> None:
    kinds = [f"{core}/{recipe}/{'fast' if fast else 'portable'}" for core, recipe, fast in KINDS]
    assert set(COMMITTED.rows) == {f"{model}/{kind}" for model in MODELS for kind in kinds}
    assert set(COMMITTED.distances) == {f"{model}/{recipe}" for model in MODELS for recipe in RECIPES}
    assert from_json(COMMITTED.to_json()) == COMMITTED and worse(COMMITTED, COMMITTED) == []
    assert COMMITTED.tables() in BASELINE.with_suffix(".md").read_text()


@pytest.mark.parametrize("figure", ["instructions", "cycles", "arena_bytes", "weight_bytes"])
def test_a_rise_above_one_percent_is_named(figure: str) -> None:
    value = getattr(COMMITTED.rows[NAME], figure)
    assert worse(doctored(figure, value * 100 // 102), COMMITTED) == [f"{NAME}: {figure} {value:,}, baseline {value * 100 // 102:,}"]
    assert worse(doctored(figure, value * 1000 // 1009), COMMITTED) == []
    assert worse(COMMITTED, doctored(figure, value * 100 // 102)) == []  # a fall is none


def test_a_network_that_no_longer_runs_is_named() -> None:
    assert worse(COMMITTED, doctored("instructions", 0)) == [f"{NAME}: instructions 0, baseline {COMMITTED.rows[NAME].instructions:,}"]


def test_a_network_that_moves_away_from_float_is_named() -> None:
    before = COMMITTED.distances[DISTANCE].sqnr_db
    assert before is not None
    moved = replace(COMMITTED, distances={**COMMITTED.distances, DISTANCE: replace(COMMITTED.distances[DISTANCE], sqnr_db=before - 1)})
    assert worse(COMMITTED, moved) == [f"{DISTANCE}: sqnr_db {before - 1:.1f}, baseline {before:.1f}"]
    assert worse(moved, COMMITTED) == []


def test_a_lost_row_is_named() -> None:
    rows = {name: row for name, row in COMMITTED.rows.items() if name != NAME}
    assert worse(COMMITTED, replace(COMMITTED, rows=rows)) == [f"{NAME}: only in one of baseline and tree"]


@pytest.mark.long
def test_nothing_is_worse(zoo: Path) -> None:
    assert worse(COMMITTED, measure(zoo)) == []
