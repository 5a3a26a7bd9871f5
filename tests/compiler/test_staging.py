"""An output folder appears whole or not at all, and only ever replaces one that tapeout wrote."""
from __future__ import annotations

from pathlib import Path

import pytest

from tapeout.compiler import staging
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.staging import MARK, staged


def write(folder: Path, text: str) -> None:
    with staged(folder) as stage:
        (stage / MARK).write_text("{}")
        (stage / "content").write_text(text)


def test_a_second_write_replaces_the_first(tmp_path: Path) -> None:
    for text in ("one", "two"):
        write(tmp_path / "out", text)
        assert (tmp_path / "out" / "content").read_text() == text
        assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_failure_harms_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path / "out", "good")
    with pytest.raises(KeyboardInterrupt), staged(tmp_path / "out") as stage:
        (stage / "content").write_text("half")
        raise KeyboardInterrupt
    assert (tmp_path / "out" / "content").read_text() == "good"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_strange_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with pytest.raises(TapeoutError, match="did not write"):
        write(tmp_path / "out", "x")
    assert (tmp_path / "out" / "thesis.tex").read_text() == "years of work"


def test_a_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(TapeoutError, match="is no folder"):
        write(tmp_path / "out", "x")


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(tmp_path / "out", "x")
    assert (tmp_path / "out" / "content").read_text() == "x"


def test_the_current_folder_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "out", "x")
    (tmp_path / "out" / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "out" / "inner")
    for folder in (Path(), Path(".."), tmp_path / "out"):
        with pytest.raises(TapeoutError, match="current folder"):
            write(folder, "y")
    assert (tmp_path / "out" / "content").read_text() == "x"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "out", "one")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    write(tmp_path / "link", "two")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "out" / "content").read_text() == "two"


def test_of_two_writers_at_once_the_last_one_stands(tmp_path: Path) -> None:
    write(tmp_path / "out", "old")
    with staged(tmp_path / "out") as stage:
        (stage / MARK).write_text("{}")
        (stage / "content").write_text("slow")
        write(tmp_path / "out", "quick")
    assert (tmp_path / "out" / "content").read_text() == "slow"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_end_in_the_middle_of_the_swap_brings_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "out", "old")
    once = iter([False])

    def renamed(stage: Path, place: Path) -> bool:
        for answer in once:
            return answer
        raise KeyboardInterrupt

    monkeypatch.setattr(staging, "_renamed", renamed)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "out", "new")
    assert (tmp_path / "out" / "content").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
