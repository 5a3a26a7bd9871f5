"""Firmware of RISC-V cores: it links where the board says, repeats, tells what does not fit and how deep its calls go."""
from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tapeout.compiler.errors import CheckFailed
from tapeout.cosim.engine import HARNESS
from tapeout.cosim.firmware_machine import machine_sources
from tapeout.cosim.qemu import machine_headers
from tapeout.targets.board import load
from tapeout.targets.compiled import Compiled
from tapeout.targets.microcontroller.family import Microcontroller
from tapeout.targets.microcontroller.firmware import build, compile_objects, link, sections
from tapeout.targets.riscv.stack import clang_calls
from tapeout.targets.riscv.target import FAMILY, TARGETS
from tapeout.targets.tools import ToolFailed
from tests.small import CODES, network

from .board import MACHINE

RV32IMC = TARGETS[0]


def compiled_for(target: Microcontroller, folder: Path) -> Compiled:
    folder.mkdir(parents=True)
    return Compiled.write(folder, "small", target, network(CODES))


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_every_core_links_for_its_board(target: Microcontroller, tmp_path: Path) -> None:
    compiled = compiled_for(target, tmp_path / "model")
    (board,) = target.qemu_boards
    firmware = build(compiled, board, tmp_path)
    firmware.require_fit()
    by_name = {s.name: s for s in firmware.sections}
    weights = sum(v.type.bytes for v in compiled.graph.constants())
    assert by_name[".text"].address == board.flash.origin and board.ram.holds(by_name[".bss"].address)
    assert weights <= by_name[".rodata"].bytes <= weights + 600  # the parameters of the kernels
    assert compiled.plan.arena_bytes <= firmware.ram_bytes <= compiled.plan.arena_bytes + 16
    assert firmware.flash_bytes == sum(s.bytes for s in firmware.sections) - by_name[".bss"].bytes
    assert 0 < firmware.stack_bytes < 400


def test_the_written_files_build_the_same_program(tmp_path: Path) -> None:
    compiled = compiled_for(RV32IMC, tmp_path / "model")
    firmware = build(compiled, None, tmp_path)
    subprocess.run(["make", "-s"], cwd=compiled.folder / "firmware", check=True)
    assert sections(FAMILY, compiled.folder / "firmware" / "small.elf") == firmware.sections


def test_builds_repeat(tmp_path: Path) -> None:
    images = []
    for run in "ab":
        firmware = build(compiled_for(RV32IMC, tmp_path / run / "model"), None, tmp_path / run)
        subprocess.run(["riscv64-unknown-elf-objcopy", "-O", "binary", firmware.elf, tmp_path / run / "image"], check=True)
        images.append((tmp_path / run / "image").read_bytes())
    assert images[0] == images[1] and len(images[0]) > 1000


def test_what_does_not_fit_is_told_and_still_measured(tmp_path: Path) -> None:
    compiled = compiled_for(RV32IMC, tmp_path / "model")
    board = RV32IMC.qemu_boards[0]
    whole = build(compiled, board, tmp_path)
    little = replace(board, ram=replace(board.ram, bytes=1024), flash=replace(board.flash, bytes=whole.flash_bytes - 100))
    firmware = build(compiled, little, tmp_path)
    assert firmware.sections == whole.sections
    assert firmware.overflow == {"ram": 216 + 8 + 1024 - 1024, "flash": 100}  # the stack begins at a multiple of 16
    with pytest.raises(CheckFailed, match="^small does not fit: board virt-rv32imc lacks 100 bytes of flash and 224 bytes of ram$"):
        firmware.require_fit()


def test_a_function_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "calls.c").write_text("void other(void); int main(void) { other(); return 0; }")
    objects = compile_objects(RV32IMC, [tmp_path / "calls.c", *FAMILY.sources], tmp_path)
    with pytest.raises(ToolFailed, match="undefined symbol: other"):
        link(RV32IMC, RV32IMC.qemu_boards[0], objects, tmp_path / "calls.elf")


def test_the_deepest_chain_of_calls(tmp_path: Path) -> None:
    (tmp_path / "calls.c").write_text("""
        __attribute__((noinline)) static int leaf(int n) { volatile char frame[200]; frame[n] = 1; return frame[0]; }
        __attribute__((noinline)) int middle(int n) { volatile char frame[100]; frame[n] = 1; return frame[0] + leaf(n) + 1; }
        int flat(int n) { volatile char frame[120]; frame[n] = 1; return frame[0]; }
        int top(int n) { return flat(n) + middle(n) + 1; }
        int variable(int n) { volatile char frame[n]; frame[0] = 1; return frame[0]; }
        int loop(int n) { volatile char frame[9]; frame[n] = 1; return n ? loop(n - 1) * loop(n - 2) + frame[0] : 0; }
    """)
    (made,) = compile_objects(RV32IMC, [tmp_path / "calls.c"], tmp_path, flags=FAMILY.toolchain.stack_flags)
    calls = clang_calls([made])
    assert calls.deepest("top") == sum(calls.frames[name] for name in ("top", "middle", "leaf")) > 300
    with pytest.raises(ValueError, match="no frame of other"):
        calls.deepest("other")
    with pytest.raises(ValueError, match="the frame of variable has no fixed size"):
        calls.deepest("variable")
    with pytest.raises(ValueError, match="loop is recursive"):
        calls.deepest("loop")


MEMORY = """
#include "port.h"
#include <stdint.h>
#include <string.h>
#include "harness.h"
volatile int32_t harness_node;
void harness_report(const char *what, int32_t offset) { (void)what; (void)offset; }

static uint8_t bytes[96];

/* Whether exactly the bytes from `to` on are `wanted`, which is the source or, without one, the value 0xB7. */
static int right(uint32_t to, const uint8_t *wanted, uint32_t count)
{
    for (uint32_t i = 0; i < sizeof bytes; i++) {
        uint8_t expected = i < to || i >= to + count ? (uint8_t)(i * 7u) : wanted ? wanted[i - to] : 0xB7;
        if (bytes[i] != expected) {
            return 0;
        }
    }
    return 1;
}

int main(void)
{
    uint8_t source[96];
    for (uint32_t from = 20; from < 24; from++) {
        for (uint32_t to = 12; to < 32; to++) {
            for (uint32_t count = 0; count < 40; count++) {
                for (uint32_t i = 0; i < sizeof bytes; i++) {
                    bytes[i] = (uint8_t)(i * 7u);
                    source[i] = (uint8_t)(i * 7u);
                }
                if (memmove(bytes + to, bytes + from, count) != bytes + to || !right(to, source + from, count)) {
                    port_exit(1);
                }
                for (uint32_t i = 0; i < sizeof bytes; i++) {
                    bytes[i] = (uint8_t)(i * 7u);
                    source[i] = (uint8_t)(i * 13u + 5u);
                }
                if (memcpy(bytes + to, source + from, count) != bytes + to || !right(to, source + from, count)) {
                    port_exit(2);
                }
                for (uint32_t i = 0; i < sizeof bytes; i++) {
                    bytes[i] = (uint8_t)(i * 7u);
                }
                if (memset(bytes + to, 0x1B7, count) != bytes + to || !right(to, NULL, count)) {
                    port_exit(3);
                }
            }
        }
    }
    port_exit(0);
}
"""


def memory_status(folder: Path, memory: Path) -> int:
    """What the program above ends with for this memory.c."""
    (folder / "program.c").write_text(MEMORY)
    sources = [memory if path.name == "memory.c" else path for path in machine_sources(FAMILY)]
    flags = ("-fno-builtin",)  # the functions themselves, not what the compiler knows of them
    objects = compile_objects(RV32IMC, [folder / "program.c", *sources], folder, [machine_headers(FAMILY), HARNESS], flags)
    firmware = link(RV32IMC, load("virt-rv32imc"), objects, folder / "program.elf")
    return MACHINE.boot(RV32IMC, firmware, folder)[0]


def test_memory_is_copied_and_filled(tmp_path: Path) -> None:
    assert memory_status(tmp_path, FAMILY.folder / "memory.c") == 0


@pytest.mark.parametrize(("text", "wrong", "status"), [
    ("(uintptr_t)out - (uintptr_t)in >= count", "out != in", 1),
    ("for (; count > 0; count--) {\n        *out++ = *in++;", "for (; count > 3; count--) {\n        *out++ = *in++;", 1),
    ("in += 4", "in += 3", 1),
    ("(uint8_t)value * 0x01010101u", "(uint32_t)value * 0x01010101u", 3),
    ("count >= 4; count -= 4, out += 4) {", "count >= 3; count -= 4, out += 4) {", 3),
])
def test_a_wrong_copy_is_found(text: str, wrong: str, status: int, tmp_path: Path) -> None:
    code = (FAMILY.folder / "memory.c").read_text()
    assert code.count(text) == 1
    (tmp_path / "memory.c").write_text(code.replace(text, wrong))
    assert memory_status(tmp_path, tmp_path / "memory.c") == status
