"""What a user asks of the memory of a compiled network: budgets, --optimize ram and where inputs lie."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.test_cli import CALIBRATION, MODEL, tapeout

COMMAND = ("compile", MODEL, "--target", "cortex-m4", "--calibrate", CALIBRATION)


def compiled(folder: Path, *options: str, status: int = 0) -> dict[str, Any]:
    done = tapeout(*COMMAND, *options, "-o", folder)
    assert done.returncode == status, done.stderr
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report


def test_a_budget_that_fast_kernels_miss_is_met_in_strips(tmp_path: Path) -> None:
    """And the report says what was done for it; no MAC is executed twice, and every engine computes the same."""
    plain = compiled(tmp_path / "plain")
    limit = plain["memory"]["arena_bytes"] - 1
    within = compiled(tmp_path / "within", "--budget", f"arena={plain['memory']['arena_bytes']}")
    assert within["memory"]["strips"] == [] and within["warnings"] == []
    met = compiled(tmp_path / "met", "--budget", f"arena={limit}")
    assert met["memory"]["arena_bytes"] == met["memory"]["arena_touched_bytes"] <= limit and met["memory"]["strips"]
    assert met["warnings"] == ["a budget of RAM or arena is not met with --optimize time, so this is compiled with --optimize ram"]
    assert met["totals"]["macs_executed"] == sum(row["macs_executed"] for row in met["layers"]) == plain["totals"]["macs_executed"]
    done = tapeout("cosim", tmp_path / "met", "--count", "6")
    assert done.returncode == 0 and done.stdout.count(": 0 / 60 elements differ") == 3, done.stdout
    shown = tapeout("report", tmp_path / "met").stdout
    assert "strips of rows, nothing computed twice" in shown and "_rows_" not in shown.partition("\nkernel")[0]


def test_a_budget_that_nothing_meets_fails_the_build(tmp_path: Path) -> None:
    assert compiled(tmp_path / "over", "--budget", "arena=100", status=1)["budgets"][0]["met"] is False


@pytest.mark.parametrize("optimize", ["time", "ram"])
def test_inputs_of_the_caller_are_no_part_of_the_arena(optimize: str, tmp_path: Path) -> None:
    report = compiled(tmp_path / "c", "--inputs", "caller", "--optimize", optimize)
    (image,) = report["inputs"]
    assert (image["offset"], image["function"]) == (None, "input_image")
    assert "void digits_run(const float *input_image);" in (tmp_path / "c/cortex-m4/digits.h").read_text()
    assert "digits_run(input_image);" in (tmp_path / "c/cortex-m4/firmware/main.c").read_text()
    done = tapeout("cosim", tmp_path / "c", "--count", "6")
    assert done.returncode == 0 and done.stdout.count(": 0 / 60 elements differ") == 3, done.stdout
