"""Cores that are patched copies of the RTL: a place that is not there exactly once stops the build."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tapeout.compiler.errors import TapeoutError
from tapeout.cosim.rtl.simulator import _files, _patched
from tapeout.targets.microcontroller.rtl import CV32E40P, PACKED_HALVES, Patch


def test_only_the_patched_files_are_copies(tmp_path: Path) -> None:
    files = _files()
    assert _patched(CV32E40P, files, tmp_path) == files and not list(tmp_path.iterdir())
    changed = _patched(PACKED_HALVES, files, tmp_path)
    assert sum(a != b for a, b in zip(files, changed, strict=True)) == len(list(tmp_path.iterdir())) == 3
    assert "C_XFVEC = 1'b1" in (tmp_path / "cv32e40p_pkg.sv").read_text()


@pytest.mark.parametrize(("patch", "said"), [
    (Patch("cv32e40p_pkg.sv", "no such text", ""), "cv32e40p_pkg.sv of .* has 0 times, not once: no such text"),
    (Patch("cv32e40p_pkg.sv", "parameter", ""), r"cv32e40p_pkg.sv of .* has \d+ times, not once: parameter"),
    (Patch("none.sv", "", ""), "has no file none.sv"),
])
def test_a_patch_that_does_not_fit_is_told(patch: Patch, said: str, tmp_path: Path) -> None:
    with pytest.raises(TapeoutError, match=said):
        _patched(replace(CV32E40P, patches=(patch,)), _files(), tmp_path)
