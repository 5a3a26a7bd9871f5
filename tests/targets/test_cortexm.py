"""Boards and firmware: every board links, sizes are those of the sections, what does not fit is told."""
from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tapeout.compiler.errors import CheckFailed, TapeoutError
from tapeout.targets import find_target
from tapeout.targets.board import Board, boards, load
from tapeout.targets.compiled import Compiled
from tapeout.targets.cortexm.stack import gcc_calls
from tapeout.targets.cortexm.target import FAMILY, TARGETS, CortexM
from tapeout.targets.microcontroller.firmware import build, sections
from tests.small import CODES, network


def compiled_for(target: str, folder: Path) -> Compiled:
    folder.mkdir(exist_ok=True)
    return Compiled.write(folder, "small", find_target(target), network(CODES))


def test_the_named_boards_are_there() -> None:
    stated = {
        "nucleo-l4r5zi": ("cortex-m4", 120, 2048, 640),
        "stm32f746g-disco": ("cortex-m7", 216, 1024, 320),
        "nucleo-h7a3zi": ("cortex-m7", 280, 2048, 1024),
        "nucleo-u575zi": ("cortex-m33", 160, 2048, 768),
    }
    for name, (target, megahertz, flash, ram) in stated.items():
        board = load(name.upper())
        assert (board.target, board.clock_hz, board.flash.bytes, board.ram.bytes) == (target, megahertz * 10**6, flash << 10, ram << 10)
        assert "data sheet" in board.source


def test_an_unknown_board_lists_the_known_ones() -> None:
    with pytest.raises(TapeoutError, match=r"^no board 'nucleo'; there are microbit, .*, nucleo-l4r5zi, .*stm32f746g-disco, virt-.*"):
        load("nucleo")


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_every_core_has_a_board_in_qemu(target: CortexM) -> None:
    assert target.qemu_boards and all(b.qemu for b in target.qemu_boards)


@pytest.mark.parametrize("board", [b for b in boards().values() if b.target.startswith("cortex-m")], ids=lambda b: b.name)
def test_every_board_links(board: Board, tmp_path: Path) -> None:
    compiled = compiled_for(board.target, tmp_path / "model")
    firmware = build(compiled, board, tmp_path)
    firmware.require_fit()
    by_name = {s.name: s for s in firmware.sections}
    weights = sum(v.type.bytes for v in compiled.graph.constants())
    assert by_name[".vectors"].address == board.flash.origin and by_name[".vectors"].bytes == 64
    assert board.flash.holds(by_name[".text"].address) and board.ram.holds(by_name[".bss"].address)
    assert weights <= by_name[".rodata"].bytes <= weights + 600  # the parameters of the kernels
    assert compiled.plan.arena_bytes <= firmware.ram_bytes <= compiled.plan.arena_bytes + 8
    assert firmware.flash_bytes == sum(s.bytes for s in firmware.sections) - by_name[".bss"].bytes
    assert 0 < firmware.stack_bytes < 400


def test_the_written_files_build_the_same_program(tmp_path: Path) -> None:
    compiled = compiled_for("cortex-m4", tmp_path / "model")
    firmware = build(compiled, load("nucleo-l4r5zi"), tmp_path)
    subprocess.run(["make", "-s"], cwd=compiled.folder / "firmware", check=True)
    assert sections(FAMILY, compiled.folder / "firmware" / "small.elf") == firmware.sections


def test_builds_repeat(tmp_path: Path) -> None:
    images = []
    for run in "ab":
        (tmp_path / run).mkdir()
        compiled = compiled_for("cortex-m4", tmp_path / run / "model")
        firmware = build(compiled, load("nucleo-l4r5zi"), tmp_path / run)
        subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", firmware.elf, tmp_path / run / "image"], check=True)
        images.append((tmp_path / run / "image").read_bytes())
    assert images[0] == images[1] and len(images[0]) > 1000


def test_what_does_not_fit_is_told_and_still_measured(tmp_path: Path) -> None:
    compiled = compiled_for("cortex-m0", tmp_path / "model")
    large = replace(compiled, plan=replace(compiled.plan, arena_bytes=20_000))
    large.emit(large.folder)
    firmware = build(large, load("microbit"), tmp_path)
    assert firmware.ram_bytes == 20_000 and firmware.overflow == {"ram": 20_000 + 1024 - (16 << 10)}
    with pytest.raises(CheckFailed, match="^small does not fit: board microbit lacks 4640 bytes of ram$"):
        firmware.require_fit()
    elsewhere = build(large, None, tmp_path)
    assert (elsewhere.board.name, elsewhere.overflow, elsewhere.ram_bytes) == ("mps2-an385", {}, 20_000)


def test_code_that_does_not_fit_is_told(tmp_path: Path) -> None:
    compiled = compiled_for("cortex-m3", tmp_path / "model")
    whole = load("nucleo-f103rb")
    size = build(compiled, whole, tmp_path).flash_bytes
    firmware = build(compiled, replace(whole, flash=replace(whole.flash, bytes=size - 100)), tmp_path)
    assert firmware.flash_bytes == size and 100 <= firmware.overflow["flash"] <= 108  # alignment counts


def test_the_deepest_chain_of_calls(tmp_path: Path) -> None:
    (tmp_path / "calls.c").write_text("""
        __attribute__((noinline)) int leaf(int n) { volatile char frame[200]; frame[n] = 1; return frame[0]; }
        __attribute__((noinline)) int middle(int n) { volatile char frame[100]; frame[n] = 1; return frame[0] + leaf(n) + 1; }
        int flat(int n) { volatile char frame[120]; frame[n] = 1; return frame[0]; }
        int top(int n) { return flat(n) + middle(n) + 1; }
        int variable(int n) { volatile char frame[n]; frame[0] = 1; return frame[0]; }
        int loop(int n) { volatile char frame[9]; frame[n] = 1; return n ? loop(n - 1) * loop(n - 2) + frame[0] : 0; }
    """)
    subprocess.run(["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-O1", "-fcallgraph-info=su", "-c", "calls.c"], cwd=tmp_path, check=True)
    frames = dict(re.findall(r'title: "(\w+)" label: "[^"]*\\n(\d+) bytes', (tmp_path / "calls.ci").read_text()))
    chain = sum(int(frames[name]) for name in ("top", "middle", "leaf"))
    calls = gcc_calls([tmp_path / "calls.o"])
    assert calls.deepest("top") == chain > 300
    with pytest.raises(ValueError, match="no frame of other"):
        calls.deepest("other")
    with pytest.raises(ValueError, match="the frame of variable has no fixed size"):
        calls.deepest("variable")
    with pytest.raises(ValueError, match="loop is recursive"):
        calls.deepest("loop")
