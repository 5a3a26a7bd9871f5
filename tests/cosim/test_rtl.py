"""The engine rtl-core: equality on the core's RTL, cycles that repeat and are those of the core's manual, runs that end."""
from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tapeout.compiler.ir import FType, QType
from tapeout.compiler.run import run
from tapeout.cosim.compare import compare
from tapeout.cosim.engine import HARNESS, EngineFailed
from tapeout.cosim.firmware_machine import machine_sources
from tapeout.cosim.measure import measure
from tapeout.cosim.rtl.machine import RtlCore, RtlMachine
from tapeout.cosim.rtl.simulator import FOLDER, simulator
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled
from tapeout.targets.microcontroller.cycles import models
from tapeout.targets.microcontroller.family import Microcontroller
from tapeout.targets.microcontroller.firmware import compile_objects, link
from tapeout.targets.tools import MissingTool
from tests.small import CODES, FLOATS, feed, network
from tests.test_cli import CALIBRATION, MODEL, refused, tapeout

from .nets import plainly

CORE = find_target("cv32e40p")
assert isinstance(CORE, Microcontroller)


SHORT = RtlMachine(seconds=120, most_cycles=2_000_000)
RTL_CORE = RtlCore(machine=SHORT)


@pytest.fixture
def small(tmp_path: Path) -> Compiled:
    (tmp_path / "model").mkdir()
    return plainly(tmp_path / "model", "small", CORE, network(CODES))


def edit(compiled: Compiled, file: str, pattern: str, text: str) -> None:
    """Replaces the first match of a pattern in a file of the compiled model."""
    path = compiled.folder / file
    changed, count = re.subn(pattern, text, path.read_text(), count=1)
    assert count == 1, f"{pattern} is not in {file}"
    path.write_text(changed)


@pytest.mark.parametrize("q", [CODES, FLOATS], ids=["s8", "f32"])
def test_the_core_equals_the_reference(q: QType | FType, tmp_path: Path) -> None:
    compiled = plainly(tmp_path, "small", CORE, network(q))
    samples = feed(compiled.graph, 10)
    comparison = compare(run(compiled.graph, samples), RTL_CORE.run(compiled, samples), compiled.graph)
    assert (comparison.compared, comparison.differ) == (10 * 4 * 6 * 5, 0)


def test_a_wrong_kernel_differs(small: Compiled) -> None:
    edit(small, "kernels/conv2d.h", r"int32_t sum = b \? b\[o\] : 0", "int32_t sum = b ? b[o] + 500 : 0")
    samples = feed(small.graph, 2)
    assert compare(run(small.graph, samples), RTL_CORE.run(small, samples), small.graph).differ > 0


def test_cycles_repeat_and_follow_the_instructions(small: Compiled) -> None:
    samples = feed(small.graph, 1)
    found, instructions = RTL_CORE.cycles(small, samples), measure(small, samples)
    assert found == RTL_CORE.cycles(small, samples)
    assert abs(found.run - sum(found.nodes)) < found.run / 50
    for cycles, executed in zip((found.run, *found.nodes), (instructions.run_instructions, *instructions.node_instructions), strict=True):
        assert executed < cycles < 1.5 * executed


@pytest.mark.parametrize("q", [CODES, FLOATS], ids=["s8", "f32"])
def test_modelled_cycles_are_within_five_percent(q: QType | FType, tmp_path: Path) -> None:
    compiled = plainly(tmp_path, "small", CORE, network(q))
    samples = feed(compiled.graph, 1)
    found, counted, model = RTL_CORE.cycles(compiled, samples), measure(compiled, samples), models()["cv32e40p"]
    for cycles, profile in zip((found.run, *found.nodes), (counted.run, *counted.nodes), strict=True):
        assert abs(model.modelled({**profile.classes, **profile.events}) / cycles - 1) < 0.05


def test_more_work_in_one_node_counts_there(small: Compiled) -> None:
    samples = feed(small.graph, 1)
    before = RTL_CORE.cycles(small, samples)
    edit(small, "small.c", r"node_end\(1\)", '__asm volatile(".rept 100\\\\nmul t0, t0, t0\\\\n.endr" ::: "t0"); node_end(1)')
    after = RTL_CORE.cycles(small, samples)
    assert [abs(a - b - extra) <= 4 for a, b, extra in zip(after.nodes, before.nodes, (0, 100, 0), strict=True)] == [True] * 3


PROGRAM = """
#include "mark.h"
#include "port.h"
#include <stdint.h>
#include "harness.h"
volatile int32_t harness_node;
void harness_report(const char *what, int32_t offset) { (void)what; (void)offset; }
static uint32_t words[4];
int main(void)
{
    uint32_t *at = words;
    __asm volatile("" : "+r"(at));
    BODY
    port_exit(0);
}
"""


def marked(bodies: Sequence[str], folder: Path) -> tuple[int, str, list[int]]:
    """The exit status, what was printed, and the cycles from each mark to the next of a program with marks around bodies of assembly."""
    assert isinstance(CORE, Microcontroller)
    asm = '__asm volatile(".balign 4\n.option push\n.option norvc\n{}\n.option pop" : "+r"(at) :: "t0", "t1", "memory"); mark();'
    body = "mark();" + "".join(asm.format(text) for text in bodies)
    (folder / "program.c").write_text(PROGRAM.replace("BODY", body.replace("\n", "\\n")))
    sources = [folder / "program.c", *machine_sources(CORE.family)]
    objects = compile_objects(CORE, sources, folder, [FOLDER, HARNESS])
    status, printed = SHORT.boot(CORE, link(CORE, CORE.qemu_boards[0], objects, folder / "program.elf"), folder)
    return status, printed, [after - before for before, after in pairwise(map(int, (folder / "notes").read_text().split()))]


@pytest.mark.parametrize(("instruction", "cycles"), [
    ("addi t0, t0, 1", 1),
    ("mul t0, t0, t1", 1),
    ("mulh t0, t0, t1", 5),
    ("lw t0, 0(%0)", 1),
    ("lw t0, 0(%0)\naddi t0, t0, 1", 3),  # the load's result is not there in the next cycle
    ("sw t0, 0(%0)", 1),
    ("lw t0, 2(%0)", 2),
    ("j 1f\n1:", 2),
    ("j 1f\n.2byte 1\n1: lui t0, 0x12345\n.2byte 1", 3 + 2),  # to 4 bytes in two words; what is there, and C.NOP
    ("beq zero, zero, 1f\n1:", 3),
    ("bne zero, zero, 1f\n1:", 1),
])
def test_instructions_take_the_cycles_of_the_manual(instruction: str, cycles: int, tmp_path: Path) -> None:
    """CV32E40P User Manual, chapter "Pipeline Details", table "Cycle counts per instruction type"."""
    few, many = (".rept {}\n" + instruction + "\n.endr" for _ in range(2))
    status, _, found = marked([few.format(20), many.format(70)], tmp_path)
    assert status == 0
    assert found[1] - found[0] == 50 * cycles


def test_an_endless_run_is_ended_by_the_watchdog(small: Compiled) -> None:
    edit(small, "small.c", r"void small_run\(void\)\n\{\n", "void small_run(void)\n{\n    for (volatile int i = 1; i;) {}\n")
    core = RtlCore(machine=replace(SHORT, most_cycles=100_000))
    with pytest.raises(EngineFailed, match=r"^rtl-core: still runs at 0x8000\w{4} in cycle 100000$"):
        core.run(small, feed(small.graph, 1))


def test_an_access_outside_of_the_memory_is_told(tmp_path: Path) -> None:
    status, printed, _ = marked(["lui t0, 0x40000\nlw t1, 0(t0)"], tmp_path)
    assert status == 4 and printed.startswith("tapeout: access outside of the memory at 0x40000000 in cycle ")


def test_a_fault_names_the_place_and_the_node(small: Compiled) -> None:
    edit(small, "kernels/depthwise_conv2d.h", r"\n\{\n", r'\n{\n    __asm volatile(".4byte 0xffffffff");\n')
    with pytest.raises(EngineFailed, match=r"^rtl-core: node deep: fault at 0x\w{8} in \w+, \w+\.[ch]:\d+$"):
        RTL_CORE.run(small, feed(small.graph, 1))


def test_the_command_runs_the_core_when_it_is_named(tmp_path: Path) -> None:
    out, figures = tmp_path / "out", tmp_path / "figures.json"
    compiled = tapeout("compile", MODEL, "--target", "cv32e40p", "--calibrate", CALIBRATION, "-o", out)
    assert compiled.returncode == 0, compiled.stderr
    assert "rtl-core" not in tapeout("cosim", out, "--count", 1).stdout
    done = tapeout("cosim", out, "--engines", "rtl-core", "--count", 1, "--json", figures)
    engine = json.loads(figures.read_text())["engines"]["rtl-core"]
    run, layers = engine["cycles"]["run"], engine["cycles"]["layers"]
    assert f"rtl-core: 0 / 10 elements differ; {run:,} cycles" in done.stdout
    assert abs(run - sum(layers.values())) < run / 100 and max(layers, key=lambda name: layers[name]).startswith("/pointwise")
    refused(2, "no engine 'rtl-core' for target rv32imc", "cosim", other_target(tmp_path / "other"), "--engines", "rtl-core")


def other_target(out: Path) -> Path:
    done = tapeout("compile", MODEL, "--target", "rv32imc", "-o", out)
    assert done.returncode == 0, done.stderr
    return out


def test_the_simulator_is_built_once_and_its_absence_told(monkeypatch: pytest.MonkeyPatch) -> None:
    place = simulator()
    made = place.stat().st_mtime_ns
    assert simulator() == place and place.stat().st_mtime_ns == made
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingTool, match="the RTL of CV32E40P is not installed; this installs it: pip install pythondata-cpu-cv32e40p"):
        simulator()
