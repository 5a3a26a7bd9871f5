"""What benchmarks/latency.py fits is what the tables hold, and the page says so."""
from __future__ import annotations

from pathlib import Path

from benchmarks.latency import band_text, board_powers, fit, page
from tapeout.targets.board import boards, load
from tapeout.targets.microcontroller.cycles import models

ROOT = Path(__file__).resolve().parents[2]


def test_the_tables_hold_the_fit() -> None:
    found = fit()
    for core, stall in found.stall.items():
        assert models()[core].stall == round(stall, 2)
        assert models()[core].band == band_text(core, *found.bands[core])
    others = {core: model for core, model in models().items() if core not in found.stall}
    assert all(model.stall == 1.0 and ("not known" in model.band or "benchmarks/rtl.md" in model.band) for model in others.values())


def test_the_boards_hold_the_powers() -> None:
    for name, milliwatts in board_powers().items():
        assert load(name).power_mw == round(milliwatts, 1)
    assert {name for name, board in boards().items() if board.power_mw is not None} == set(board_powers())


def test_the_page_is_what_the_script_prints() -> None:
    assert (ROOT / "benchmarks" / "latency.md").read_text() == page()
