"""The plugin's classes: the decoder against an assembler, a program of known counts, and sums that are exact."""
from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tapeout.cosim.marks import COUNTING
from tapeout.cosim.measure import build_plugin, measure
from tapeout.cosim.profile import Profile, read_notes
from tapeout.cosim.qemu import machine_headers
from tapeout.targets.compiled import Compiled
from tapeout.targets.cortexm.target import FAMILY as CORTEXM
from tapeout.targets.cortexm.target import TARGETS
from tapeout.targets.microcontroller.family import Family, Microcontroller
from tapeout.targets.riscv.target import FAMILY as RISCV
from tapeout.targets.riscv.target import TARGETS as RISCV_TARGETS
from tests.small import CODES, feed, network
from tests.targets.board import CORES, MACHINE, linked

PRINTER = """
#include "decode.h"
#include <stdio.h>
static const char *const NAMES[KINDS] = {FOR_EACH_CLASS(TEXT) FOR_EACH_EVENT(TEXT)};
int main(void)
{
    uint16_t first;
    while (fread(&first, 2, 1, stdin) == 1) {
        uint16_t second = 0;
        if (is_wide(first) && fread(&second, 2, 1, stdin) != 1) {
            return 1;
        }
        decoded found = decode(first, second);
        printf("%s", NAMES[found.class]);
        if (found.registers) {
            printf(" %u", found.registers);
        }
        puts(found.loads_program_counter ? " pc" : "");
    }
    return 0;
}
"""

ASSEMBLERS = {  # what builds a listing, and the lines before it
    "cortexm": (("arm-none-eabi-as", "-march=armv8.1-m.main+mve.fp+fp.dp"), ".syntax unified\n.thumb\n"),
    "riscv": (("riscv64-unknown-elf-as", "-march=rv32imafcv_zicsr_zifencei_zfh", "-mabi=ilp32f"), ".option norelax\n"),
}


def listed(family: Family) -> list[tuple[str, str]]:
    """Every instruction of a family's listing with its class."""
    found: list[tuple[str, str]] = []
    for line in (Path(__file__).parent / "instructions" / f"{family.name}.s").read_text().splitlines():
        if line.startswith("@ class "):
            wanted = line.removeprefix("@ class ")
        elif line and not line.startswith("@"):
            found.append((wanted, line))
    return found


def misread(family: Family, decoder: Path, folder: Path) -> list[tuple[str, str, str]]:
    """The instructions that the decoder of a folder puts into another class: the instruction, that class, the right one."""
    lines = listed(family)
    assembler, head = ASSEMBLERS[family.name]
    (folder / "all.s").write_text(head + "".join(f"{line}\n" for _, line in lines))
    subprocess.run([*assembler, "all.s", "-o", "all.o"], cwd=folder, check=True)
    subprocess.run([f"{family.toolchain.prefix}objcopy", "-O", "binary", "all.o", "all.bin"], cwd=folder, check=True)
    (folder / "printer.c").write_text(PRINTER)
    strict = ("-std=c99", "-Wall", "-Wextra", "-Werror")
    subprocess.run(["gcc", *strict, f"-I{decoder}", f"-I{COUNTING}", "printer.c", "-o", "printer"], cwd=folder, check=True)
    found = subprocess.run([folder / "printer"], input=(folder / "all.bin").read_bytes(), capture_output=True, check=True).stdout.decode()
    read = zip(lines, found.splitlines(), strict=True)
    return [(line, kind, wanted) for (wanted, line), kind in read if kind != wanted]


@pytest.mark.parametrize(("family", "count"), [(CORTEXM, 300), (RISCV, 110)], ids=("cortexm", "riscv"))
def test_the_decoder_reads_what_the_assembler_wrote(family: Family, count: int, tmp_path: Path) -> None:
    assert len(listed(family)) > count
    assert misread(family, machine_headers(family), tmp_path) == []


@pytest.mark.parametrize(("family", "file", "text", "wrong", "bitten"), [
    (CORTEXM, "decode.h", "(code & 0xF500) == 0xB100", "(code & 0xFF00) == 0xB100", "cbnz r0, . + 20"),
    (CORTEXM, "decode.h", "bits_set(code & 0x1FF)", "bits_set(code & 0xFF)", "push {r4-r6, lr}"),
    (CORTEXM, "decode.h", "(first & 0x50) == 0x10", "(first & 0x70) == 0x10", "udiv r0, r1, r2"),
    (CORTEXM, "decode.h", "second >> 12 == 0xF", "second >> 12 == 0xE", "pld [r0]"),
    (CORTEXM, "decode_vector.h", "multiplies = last && upper", "multiplies = last && !upper", "vmul.f32 q0, q1, q2"),
    (CORTEXM, "decode_vector.h", "(first & 0x70) != 0x60", "(first & 0x70) != 0x50", "vminv.s8 r0, q0"),
    (CORTEXM, "decode_vector.h", "== 0xB00 ? 2 : 1", "== 0xA00 ? 2 : 1", "vldr d0, [r0]"),
    (RISCV, "decode.h", "kind == 1 || kind == 5 ? jump", "kind == 5 ? jump", "c.jal . + 8"),
    (RISCV, "decode.h", "(code & 0x7C) == 0 && (code", "(code & 0x3C) == 0 && (code", "c.mv a0, a6"),
    (RISCV, "decode.h", "second >> 9 != 1", "second >> 9 == 0", "sub s3, t4, a5"),
    (RISCV, "decode.h", "kind < 4 ? MULTIPLY_LONG", "kind < 3 ? MULTIPLY_LONG", "mulhu s0, s1, s2"),
    (RISCV, "decode.h", "second >> 11 == 0x0B", "second >> 11 == 0x0F", "fsqrt.s fa0, fa1"),
])
def test_a_wrong_decoder_is_found(family: Family, file: str, text: str, wrong: str, bitten: str, tmp_path: Path) -> None:
    decoder = tmp_path / "decoder"
    shutil.copytree(machine_headers(family), decoder)
    code = (decoder / file).read_text()
    assert code.count(text) == 1
    (decoder / file).write_text(code.replace(text, wrong))
    assert bitten in [line for line, _, _ in misread(family, decoder, tmp_path)]


KNOWN = r"""
#include "mark.h"
#include "port.h"
#include <stdint.h>
static uint32_t words[8];
int main(void)
{
    uint32_t *at = words;
    uint32_t turns = 10;
    __asm volatile("" : "+l"(at), "+l"(turns)); /* in their registers before the mark */
    mark();
    __asm volatile(".syntax unified\n"
        "1: ldr r4, [%0]\n ldr r5, [%0, #4]\n str r4, [%0]\n ldr r6, [%0]\n"
        "ldm %0!, {r4, r5, r6}\n subs %0, #12\n"
        "stm %0!, {r4, r5}\n subs %0, #8\n"
        "muls r4, r5\n"
        "bl 3f\n"
        "cmp %1, #5\n beq 2f\n nop\n"
        "2: subs %1, #1\n bne 1b\n"
        "b 4f\n"
        "3: push {r4, lr}\n pop {r4, pc}\n"
        "4:" : "+l"(at), "+l"(turns) : : "r4", "r5", "r6", "lr", "cc", "memory");
    mark();
    port_exit(0);
}
#include "harness.h"
volatile int32_t harness_node;
void harness_report(const char *what, int32_t offset) { (void)what; (void)offset; }
"""


def counted(target: Microcontroller, program: str, folder: Path) -> Profile:
    """What a program executes between its two marks, the first one included."""
    (folder / "known.c").write_text(program)
    firmware = linked(target, folder / "known.c", folder)
    assert MACHINE.boot(target, firmware, folder, ["-plugin", f"{build_plugin(target.family, folder)},out={folder / 'notes'}"]) == (0, "")
    before, after = read_notes(folder / "notes")
    return after - before


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_a_known_program_counts_by_class(target: Microcontroller, tmp_path: Path) -> None:
    found = counted(target, KNOWN, tmp_path)
    assert {name: count for name, count in found.classes.items() if count} == {
        "alu": 1 + 10 * 4 + 9,  # the mark; two subs behind ldm and stm, cmp, subs; nop in all turns but one
        "multiply": 10,
        "load": 20,
        "load_next": 10,
        "store": 10,
        "load_multiple": 20,
        "store_multiple": 20,
        "branch_taken": 10 + 1 + 9 + 1,  # bl; beq once; bne; b
        "branch_not_taken": 9 + 1,
    }
    assert found.events == {
        "registers_loaded": 10 * (3 + 2), "registers_stored": 10 * (2 + 2), "program_counter_loads": 10, "vector_overlaps": 0, "jumps": 0,
        "unaligned_targets": 0,
    }
    assert sum(found.classes.values()) == found.instructions == 1 + 17 * 10 - 1 + 1


KNOWN_RISCV = r"""
#include "mark.h"
#include "port.h"
#include <stdint.h>
static uint32_t words[8];
int main(void)
{
    uint32_t *at = words;
    uint32_t turns = 10;
    __asm volatile("" : "+r"(at), "+r"(turns)); /* in their registers before the mark */
    mark();
    __asm volatile(
        "1: lw t0, 0(%0)\n lw t1, 4(%0)\n sw t0, 0(%0)\n lw t2, 8(%0)\n"
        "mul t0, t0, t1\n mulh t0, t0, t1\n divu t0, t0, t1\n"
        "jal t3, 3f\n"
        "addi t4, %1, -5\n beqz t4, 2f\n nop\n"
        "2: addi %1, %1, -1\n bnez %1, 1b\n"
        "j 4f\n"
        "3: jr t3\n"
        "4:" : "+r"(at), "+r"(turns) : : "t0", "t1", "t2", "t3", "t4", "memory");
    mark();
    port_exit(0);
}
#include "harness.h"
volatile int32_t harness_node;
void harness_report(const char *what, int32_t offset) { (void)what; (void)offset; }
"""


@pytest.mark.parametrize("target", [t for t in RISCV_TARGETS if not t.beyond], ids=lambda t: t.name)
def test_a_known_program_of_a_riscv_core_counts_by_class(target: Microcontroller, tmp_path: Path) -> None:
    found = counted(target, KNOWN_RISCV, tmp_path)
    assert {name: count for name, count in found.classes.items() if count} == {
        "alu": 1 + 10 * 2 + 9,  # the mark; two addi; nop in all turns but one
        "multiply": 10,
        "multiply_long": 10,
        "divide": 10,
        "load": 20,
        "load_next": 10,
        "store": 10,
        "branch_taken": 10 * 2 + 1 + 9 + 1,  # jal, jr; beqz once; bnez; j
        "branch_not_taken": 9 + 1,
    }
    assert sum(found.classes.values()) == found.instructions
    assert found.events["jumps"] == 10 * 2 + 1  # jal, jr; j


LOOPS = (  # of four turns, where each turn begins, and how many of the branches to it count
    (r".balign 4\nc.nop\n1: lui t0, 0x12345", 3),
    (r".balign 4\nc.nop\n1: c.nop", 0),
    (r".balign 4\n1: lui t0, 0x12345", 0),
)


def test_branches_to_instructions_in_two_words_are_counted(tmp_path: Path) -> None:
    head, tail = KNOWN_RISCV.split('        "1: lw')[0], KNOWN_RISCV.split('"4:"')[1]
    for number, (begin, unaligned) in enumerate(LOOPS):
        (folder := tmp_path / str(number)).mkdir()
        program = head + rf'"li %1, 4\n{begin}\naddi %1, %1, -1\nbnez %1, 1b\n.balign 4"' + tail
        found = counted(RISCV_TARGETS[0], program, folder)
        assert (found.classes["branch_taken"], found.events["unaligned_targets"]) == (3, unaligned)


@pytest.mark.parametrize(("text", "wrong", "kinds"), [
    ("next->start != last->behind", "next->start == last->behind", {"branch_taken", "branch_not_taken"}),
    ("found.class == LOAD && before == LOAD", "found.class == LOAD && before == DIVIDE", {"load", "load_next"}),
    ("address + (wide ? 4 : 2)", "address + 2", {"branch_taken", "branch_not_taken"}),
    ("if (class != BRANCH_TAKEN) {", "if (class != BRANCH_TAKEN && class != STORE) {", {"store"}),
])
def test_a_wrong_plugin_is_found(text: str, wrong: str, kinds: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = KNOWN.replace("beq 2f", "beq.w 2f")
    right = counted(TARGETS[2], program, tmp_path)
    plugin = tmp_path / "counting"
    shutil.copytree(COUNTING, plugin)
    code = (plugin / "count.c").read_text()
    assert code.count(text) == 1
    (plugin / "count.c").write_text(code.replace(text, wrong))
    monkeypatch.setattr("tapeout.cosim.measure.COUNTING", plugin)
    found = counted(TARGETS[2], program, tmp_path)
    assert found.instructions == right.instructions
    assert {kind for kind, count in found.classes.items() if count != right.classes[kind]} == kinds


VECTORS = r"""
#include "mark.h"
#include "port.h"
#include <stdint.h>
static int8_t bytes[64];
int main(void)
{
    int8_t *at = bytes;
    uint32_t turns = 10;
    __asm volatile("" : "+l"(at), "+l"(turns));
    mark();
    __asm volatile(".syntax unified\n .arch_extension mve\n"
        "dls lr, %1\n"
        "1: vldrb.8 q0, [%0]\n vmladava.s8 r4, q0, q0\n vadd.i8 q0, q0, q0\n vstrb.8 q0, [%0]\n"
        "le lr, 1b\n" : : "l"(at), "l"(turns) : "r4", "lr", "cc", "memory");
    mark();
    port_exit(0);
}
#include "harness.h"
volatile int32_t harness_node;
void harness_report(const char *what, int32_t offset) { (void)what; (void)offset; }
"""


def test_a_known_loop_of_vectors_counts_by_class(tmp_path: Path) -> None:
    found = counted(TARGETS[5], VECTORS, tmp_path)
    assert {name: count for name, count in found.classes.items() if count} == {
        "alu": 2, "loop_end": 10, "vector_load": 10, "vector_multiply": 10, "vector": 10, "vector_store": 10,
    }
    assert found.events["vector_overlaps"] == 30


@pytest.mark.parametrize("target", CORES, ids=lambda t: t.name)
def test_the_classes_sum_to_the_instructions(target: Microcontroller, tmp_path: Path) -> None:
    """The plugin counts instructions apart from their classes; of a branch it learns the class only when the next block starts."""
    compiled = Compiled.write(tmp_path, "small", target, network(CODES))
    found = measure(compiled, feed(compiled.graph, 1))
    for profile in (found.init, found.run, *found.nodes):
        assert sum(profile.classes.values()) == profile.instructions
        assert min(profile.classes.values()) >= 0
        assert profile.classes["branch_taken"] > 0 or profile is found.init
