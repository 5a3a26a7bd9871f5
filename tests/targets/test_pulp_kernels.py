"""Kernels of PULP's packed halves and of fused floats on the core's RTL, against the reference, in every bit."""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.run import run
from tapeout.cosim.rtl.machine import RTL_CLUSTER, RtlMachine
from tapeout.targets import tools
from tapeout.targets.microcontroller.family import Microcontroller
from tapeout.targets.microcontroller.firmware import FLAGS
from tapeout.targets.riscv.target import PULP, TARGETS
from tests.cases import Case, cases_of, samples

from .board import RTL, on_board
from .matrix import Net, difference, nets, run_cases
from .mutation import Mutation
from .pulp_shapes import COUNT, shapes

CORE: Microcontroller = next(t for t in TARGETS if t.name == "pulp-fp16")
OPS = sorted(path.stem.removesuffix("_pulp") for path in PULP.glob("*_pulp.h"))
EIGHT = replace(RTL_CLUSTER.machine, seconds=500, most_cycles=100_000_000)


def wrong_nets(cases: Sequence[Case], work: Path, programs: Path, target: Microcontroller = CORE, machine: RtlMachine = RTL) -> list[str]:
    """The nets of kernels in this folder, or of copies of it, that differ from the reference."""
    folders = target.cluster

    def own(net: Net) -> bool:
        chosen = net.selection.chosen[net.case.graph.nodes[0].name]
        return chosen.path.parent in folders and "_pulp" in chosen.kernel.symbol

    found, wrong = run_cases(cases, target, work, on_board(target, programs, machine=machine), own), []
    assert found
    for case in cases:
        with np.errstate(all="ignore"):
            (expected,) = run(case.graph, samples(case)).values()
        wrong += [net.name for net in nets([case], target) if own(net) and difference(next(iter(found[net.name].values())), expected)]
    return wrong


@pytest.mark.parametrize("op", [pytest.param(op, marks=[] if op == "dense_input_gradient" else pytest.mark.long) for op in OPS])
def test_core_equals_the_reference(op: str, tmp_path: Path, programs: Path) -> None:
    cases = [case for case in cases_of(op) if case.name.count("_fma")]
    assert wrong_nets(cases, tmp_path, programs) == []


@pytest.mark.long
@pytest.mark.parametrize("op", OPS)
def test_shapes_with_leftovers_equal_the_reference(op: str, tmp_path: Path, programs: Path) -> None:
    assert len(shapes(op)) == 2 * COUNT >= 40
    assert wrong_nets(shapes(op), tmp_path, programs) == []


@pytest.mark.long
@pytest.mark.parametrize("op", OPS)
def test_eight_cores_equal_the_reference(op: str, tmp_path: Path, programs: Path) -> None:
    assert wrong_nets(shapes(op)[:12], tmp_path, programs, machine=EIGHT) == []


MUTATIONS = [
    Mutation("lost_leftover", "pulp.h", "if (o < outputs) {", "if (o < outputs - 1) {", "conv2d_f16_fma_pointwise"),
    Mutation("flipped_padding", "conv2d_pulp.h", ".w = (const uint8_t *)t + (at.rows.first", ".w = (const uint8_t *)t + (0 * at.rows.first",
             "conv2d_f16_fma_same_stride"),
    Mutation("skipped_bias", "pulp.h", "uint32_t sum = r->b ?", "uint32_t sum = r->b && words > 8 ?", "conv2d_f16_fma_pointwise"),
    Mutation("swapped_lanes", "pulp.h", "first = b << 16 | (a & 0xffffu)", "first = a << 16 | (b & 0xffffu)", "conv2d_f16_fma_pointwise"),
    Mutation("lanes_not_replicated", "pulp.h", ".insn r 0x33, 6, 0x48", ".insn r 0x33, 2, 0x48", "conv2d_f16_fma_pointwise"),
    Mutation("loop_too_short", "pulp.h", 'PULP_LOOP("17")', 'PULP_LOOP("16")', "conv2d_f32_fma_pointwise"),
]  # fmt: skip


@pytest.mark.parametrize("mutation", [
    pytest.param(m, marks=[] if m.name == "lost_leftover" else pytest.mark.long, id=m.name) for m in MUTATIONS
])
def test_a_mistake_is_noticed(mutation: Mutation, tmp_path: Path, programs: Path) -> None:
    changed = mutation.apply(PULP.glob("*.h"), tmp_path / "kernels")
    target = replace(CORE, kernels=(changed, *CORE.kernels), cluster=(changed, *CORE.cluster))
    assert wrong_nets([mutation.subject()], tmp_path, programs, target)


QUOTIENT = """\
void quotient(_Float16 *q, const _Float16 *a)
{
    *q = (_Float16)((float)a[0] / (float)a[1]);
}
"""


def test_no_division_of_halves_is_made(tmp_path: Path) -> None:
    """The core never ends one; with scalar arithmetic of halves clang makes one of a quotient of floats."""
    source, made = tmp_path / "quotient.c", tmp_path / "quotient.s"
    source.write_text(QUOTIENT)
    tools.call([CORE.family.toolchain.compiler, *CORE.family.toolchain.flags, *CORE.flags, *FLAGS, "-O2", "-S", source, "-o", made])
    assert re.findall(r"\bf(?:div|sqrt)\.\w", made.read_text()) == ["fdiv.s"]
    more = [flag.replace("zhinxmin", "zhinx") for flag in CORE.flags]
    tools.call([CORE.family.toolchain.compiler, *CORE.family.toolchain.flags, *more, *FLAGS, "-O2", "-S", source, "-o", made])
    assert "fdiv.h" in made.read_text()
