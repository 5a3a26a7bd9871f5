"""QEMU as an engine: equality on every core, faults that are found and named, counts and stack that are exact."""
from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.ir import FType, QType
from tapeout.compiler.run import run
from tapeout.cosim.compare import compare, differing
from tapeout.cosim.engine import EngineFailed
from tapeout.cosim.measure import build_plugin, measure
from tapeout.cosim.profile import read_notes
from tapeout.cosim.qemu import QEMU, Qemu, QemuMachine
from tapeout.targets.board import load
from tapeout.targets.compiled import Compiled
from tapeout.targets.cortexm.target import TARGETS
from tapeout.targets.microcontroller.family import Microcontroller
from tapeout.targets.microcontroller.firmware import build
from tapeout.targets.riscv.target import TARGETS as RISCV
from tapeout.targets.tools import MissingTool
from tests.small import CODES, FLOATS, feed, network
from tests.targets.board import CORES, MACHINE, linked

from .nets import plainly

M4 = TARGETS[2]
RV32IMC = RISCV[0]


def compiled_for(target: Microcontroller, q: QType | FType, folder: Path) -> Compiled:
    return plainly(folder, "small", target, network(q))


@pytest.fixture
def small(tmp_path: Path) -> Compiled:
    (tmp_path / "model").mkdir()
    return compiled_for(M4, CODES, tmp_path / "model")


def edit(compiled: Compiled, file: str, pattern: str, text: str) -> None:
    """Replaces the first match of a pattern in a file of the compiled model."""
    path = compiled.folder / file
    changed, count = re.subn(pattern, text, path.read_text(), count=1)
    assert count == 1, f"{pattern} is not in {file}"
    path.write_text(changed)


@pytest.mark.parametrize("q", [CODES, FLOATS], ids=["s8", "f32"])
@pytest.mark.parametrize("target", CORES, ids=lambda t: t.name)
def test_every_core_equals_the_reference(target: Microcontroller, q: QType | FType, tmp_path: Path) -> None:
    compiled = compiled_for(target, q, tmp_path)
    samples = feed(compiled.graph, 40)
    comparison = compare(run(compiled.graph, samples), QEMU.run(compiled, samples), compiled.graph)
    assert (comparison.compared, comparison.differ) == (40 * 4 * 6 * 5, 0)


def test_a_wrong_kernel_differs(small: Compiled) -> None:
    edit(small, "kernels/conv2d.h", r"int32_t sum = b \? b\[o\] : 0", "int32_t sum = b ? b[o] + 500 : 0")
    samples = feed(small.graph, 4)
    assert compare(run(small.graph, samples), QEMU.run(small, samples), small.graph).differ > 0


def test_a_core_without_room_in_its_first_board_runs_on_the_next(tmp_path: Path) -> None:
    compiled = compiled_for(TARGETS[0], CODES, tmp_path)
    large = replace(compiled, plan=replace(compiled.plan, arena_bytes=20_000), folder=tmp_path / "large")
    large.emit(large.folder)
    samples = feed(compiled.graph, 2)
    assert not differing(QEMU.run(large, samples)["y"], run(compiled.graph, samples)["y"]).any()
    assert (measure(compiled, samples).board, measure(large, samples).board) == ("microbit", "mps2-an385")


def test_a_model_too_large_for_every_board_is_refused(small: Compiled) -> None:
    large = replace(small, plan=replace(small.plan, arena_bytes=5 << 20))
    with pytest.raises(EngineFailed, match=r"no board of cortex-m4 in QEMU is large enough: board mps2-an386 lacks \d+ bytes of ram"):
        QEMU.run(large, feed(small.graph, 1))


def test_a_fault_names_the_place_and_the_node(small: Compiled) -> None:
    edit(small, "kernels/depthwise_conv2d.h", r"\n\{\n", r"\n{\n    *(volatile int32_t *)0xE0000000u = *(volatile int32_t *)0xF0000000u;\n")
    with pytest.raises(EngineFailed, match=r"^qemu: node deep: fault at 0x\w{8} in \w+, \w+\.[ch]:\d+$"):
        QEMU.run(small, feed(small.graph, 1))


def test_an_endless_loop_is_ended(small: Compiled) -> None:
    edit(small, "small.c", r"void small_run\(void\)\n\{\n", "void small_run(void)\n{\n    for (volatile int i = 1; i;) {}\n")
    with pytest.raises(EngineFailed, match="still runs after 2 seconds"):
        Qemu(machine=QemuMachine(seconds=2)).run(small, feed(small.graph, 1))


def test_a_write_behind_a_tensor_is_found(small: Compiled) -> None:
    edit(small, "small.c", r"node_end\(1\)", "small_arena[SMALL_AT_DEEP + 4 * 6 * 4] = 1; node_end(1)")
    with pytest.raises(EngineFailed, match=r"qemu: node deep: bad write: 1 byte after deep"):
        QEMU.run(small, feed(small.graph, 1))


def test_warnings_are_errors(small: Compiled) -> None:
    edit(small, "small.c", r"node_begin\(0\);", "int8_t narrow = small_arena[0] * 2; (void)narrow;")
    with pytest.raises(EngineFailed, match="the C does not compile: arm-none-eabi-gcc: .*conversion"):
        QEMU.run(small, feed(small.graph, 1))


def test_a_missing_emulator_is_named_with_its_remedy(small: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingTool, match="arm-none-eabi-gcc is not installed; this installs it: apt-get install gcc-arm-none-eabi"):
        QEMU.run(small, feed(small.graph, 1))


@pytest.mark.parametrize("target", CORES, ids=lambda t: t.name)
def test_counts_repeat_and_nodes_add_up(target: Microcontroller, tmp_path: Path) -> None:
    compiled = compiled_for(target, CODES, tmp_path)
    samples = feed(compiled.graph, 1)
    found = measure(compiled, samples)
    assert found == measure(compiled, samples)
    assert len(found.node_instructions) == 3 and min(found.node_instructions) > 1000
    assert 0 <= found.run_instructions - sum(found.node_instructions) < found.run_instructions / 50
    assert 0 < found.init_instructions < 2000


def test_more_work_in_one_node_counts_there(small: Compiled) -> None:
    samples = feed(small.graph, 1)
    before = measure(small, samples)
    edit(small, "small.c", r"node_end\(1\)", '__asm volatile(".rept 100\\\\nnop\\\\n.endr"); node_end(1)')
    after = measure(small, samples)
    assert after.run_instructions - before.run_instructions == 100
    assert [a - b for a, b in zip(after.node_instructions, before.node_instructions, strict=True)] == [0, 100, 0]


LOOP = """
#include "mark.h"
#include "port.h"
#include <stdint.h>
int main(void)
{
    for (uint32_t n = 1; n <= 1000; n *= 10) {
        uint32_t left = n;
        __asm volatile("" : "+r"(left)); /* in its register before the mark */
        mark();
        __asm volatile("COUNT_DOWN" : "+r"(left) : : "cc");
        mark();
    }
    port_exit(0);
}
#include "harness.h"
volatile int32_t harness_node;
void harness_report(const char *what, int32_t offset) { (void)what; (void)offset; }
"""


COUNT_DOWN = {"cortexm": r".syntax unified\n1: subs %0, #1\n bne 1b", "riscv": r"1: addi %0, %0, -1\n bnez %0, 1b"}


@pytest.mark.parametrize("target", CORES, ids=lambda t: t.name)
def test_the_plugin_counts_a_known_loop_exactly(target: Microcontroller, tmp_path: Path) -> None:
    (tmp_path / "loop.c").write_text(LOOP.replace("COUNT_DOWN", COUNT_DOWN[target.family.name]))
    firmware = linked(target, tmp_path / "loop.c", tmp_path)
    notes = tmp_path / "notes"
    assert MACHINE.boot(target, firmware, tmp_path, ["-plugin", f"{build_plugin(target.family, tmp_path)},out={notes}"]) == (0, "")
    counts = [after - before for before, after in pairwise(read_notes(notes))][::2]
    for found, turns in zip(counts, (1, 10, 100, 1000), strict=True):
        assert found.instructions == 1 + 2 * turns  # the first mark and two for every turn
        assert {name: count for name, count in found.classes.items() if count} == {
            "alu": 1 + turns, "branch_not_taken": 1, **({"branch_taken": turns - 1} if turns > 1 else {}),
        }


MARKS = {  # 4000; those of 4 bytes at addresses that are and that are not multiples of 4
    "cortexm": r".rept 4000\n.inst.n 0xbfd0\n.endr",
    "riscv": r".rept 2000\nslti zero, zero, 1\n.endr\nc.nop\n.rept 2000\nslti zero, zero, 1\n.endr",
}


@pytest.mark.parametrize("target", [M4, RV32IMC], ids=lambda t: t.name)
def test_the_plugin_sees_a_mark_at_every_address(target: Microcontroller, tmp_path: Path) -> None:
    """Pages of 1 KiB, at whose ends the translator of QEMU looks ahead, are crossed several times."""
    marks = LOOP.replace("COUNT_DOWN", MARKS[target.family.name]).replace("n <= 1000", "n <= 1")
    (tmp_path / "marks.c").write_text(marks)
    firmware = linked(target, tmp_path / "marks.c", tmp_path)
    notes = tmp_path / "notes"
    assert MACHINE.boot(target, firmware, tmp_path, ["-plugin", f"{build_plugin(target.family, tmp_path)},out={notes}"]) == (0, "")
    counts = [note.instructions for note in read_notes(notes)]
    others = int(target is RV32IMC)
    assert len(counts) == 4002 and sorted(np.diff(counts)) == [1] * (4001 - others) + [2] * others


@pytest.mark.parametrize("extra", [256, 4096])
def test_the_paint_finds_a_large_frame(small: Compiled, extra: int) -> None:
    samples = feed(small.graph, 1)
    before = measure(small, samples).stack_bytes
    frame = f"volatile uint8_t frame[{extra}]; for (int i = 0; i < {extra}; i++) {{ frame[i] = 1; }} (void)frame[0];"
    edit(small, "small.c", r"void small_run\(void\)\n\{\n", f"void small_run(void)\n{{\n    {frame}\n")
    assert abs(measure(small, samples).stack_bytes - before - extra) <= 16


def test_painted_and_static_stack_agree(small: Compiled, tmp_path: Path) -> None:
    static = build(small, load("nucleo-l4r5zi"), tmp_path).stack_bytes
    painted = measure(small, feed(small.graph, 1)).stack_bytes
    assert abs(static - painted) <= 16  # the paint misses words of a frame that are never written




FLOAT_LOOP = """
#include "port.h"
#include <stdint.h>
static float a[64], b[64];
__attribute__((noinline)) static void scale(void)
{
    for (int i = 0; i < 64; i++) {
        a[i] = a[i] * b[i] + 1e-41f;
    }
}
int main(void)
{
    if (port_open() == 0 && port_read(a, sizeof a) == sizeof a && port_read(b, sizeof b) == sizeof b) {
        scale();
        port_write(a, sizeof a);
        port_exit(0);
    }
    port_exit(1);
}
#include "harness.h"
volatile int32_t harness_node;
void harness_report(const char *what, int32_t offset) { (void)what; (void)offset; }
"""


@pytest.mark.parametrize("target", CORES, ids=lambda t: t.name)
def test_plain_float_loops_keep_every_bit(target: Microcontroller, tmp_path: Path) -> None:
    """gcc makes vector code of this loop where it may, which would flush subnormal numbers to zero."""
    random = np.random.default_rng(0)
    a, b = (random.normal(0, 1, (2, 64)) * 10.0 ** random.integers(-44, 3, (2, 64))).astype(np.float32)
    (tmp_path / "inputs.bin").write_bytes(a.tobytes() + b.tobytes())
    (tmp_path / "loop.c").write_text(FLOAT_LOOP)
    firmware = linked(target, tmp_path / "loop.c", tmp_path)
    assert MACHINE.boot(target, firmware, tmp_path) == (0, "")
    found = np.frombuffer((tmp_path / "outputs.bin").read_bytes(), np.float32)
    assert not differing(a * b + np.float32(1e-41), found).any()
