"""The committed figures of other widths are complete, the check bites, and few bits take what they promise."""
from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.widths import BASELINE, CORES, KERNELS, MODELS, RECIPES, WATCHED, from_json, measured, rises, table, to_json

COMMITTED = from_json(BASELINE.read_text())
NAME = "ic_resnet8/w4a8/cortex-m4/time"


def test_the_baseline_is_complete() -> None:
    assert set(COMMITTED) == {f"{m}/{r}/{c}/{k}" for m in MODELS for r in RECIPES for c in CORES for k in KERNELS}
    assert from_json(to_json(COMMITTED)) == COMMITTED and rises(COMMITTED, COMMITTED) == []
    assert table(COMMITTED) in BASELINE.with_suffix(".md").read_text()


@pytest.mark.parametrize("figure", WATCHED)
def test_a_rise_above_one_percent_is_named(figure: str) -> None:
    value = getattr(COMMITTED[NAME], figure)
    lower = value * 100 // 102
    doctored = {**COMMITTED, NAME: replace(COMMITTED[NAME], **{figure: lower})}
    assert rises(doctored, COMMITTED) == [f"{NAME}: {figure} {value:,}, baseline {lower:,} ({value / lower - 1:+.1%})"]
    assert rises(COMMITTED, doctored) == []


def test_a_lost_row_is_named() -> None:
    assert rises(COMMITTED, {n: r for n, r in COMMITTED.items() if n != NAME}) == [f"{NAME}: only in one of baseline and tree"]


def test_what_was_to_be_reached() -> None:
    """On the M4 at most 1.6 instructions per MAC by weights of 4 bits, in half the flash of 8, and 1.3 by activations of 16."""
    four, eight, sixteen = (COMMITTED[f"ic_resnet8/{recipe}/cortex-m4/time"] for recipe in ("w4a8", "int8", "w8a16"))
    assert four.instructions <= 1.6 * four.macs and four.flash_bytes <= eight.flash_bytes / 2
    assert sixteen.instructions <= 1.3 * sixteen.macs
    assert four.weight_bytes < 0.6 * COMMITTED["ic_resnet8/int8/cortex-m4/portable"].weight_bytes


@pytest.mark.long
def test_no_count_rises(zoo: object) -> None:
    assert rises(COMMITTED, measured()) == []
