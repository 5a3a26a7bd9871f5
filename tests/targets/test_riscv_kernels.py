"""Every op on every type on RISC-V cores in QEMU: the C that clang makes for the core against the reference, in every bit."""
from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.run import run
from tapeout.targets.c.target import KERNELS
from tapeout.targets.microcontroller.family import Microcontroller
from tapeout.targets.riscv.target import TARGETS
from tests.cases import Case, all_cases, ops_with_cases, samples

from .board import RTL, assert_equal_to_the_reference, outputs_or_fault
from .matrix import Net, difference, nets
from .mutation import Mutation

USUAL = {  # a share of the ops that a short run tests; kernels are portable, and the host runs them all
    "rv32imc": ("max_pool2d", "quantize", "requant", "softmax"),
    "cv32e40p": (),
    "rv32-zfh": ("cast", "sigmoid"),  # layers and gradients: test_random_layers.py
    "rv32-zve": ("max_pool2d",),  # the others take minutes; test_zve.py has a case of each
}


@pytest.mark.parametrize(("target", "op"), [
    pytest.param(t, op, marks=[] if op in USUAL[t.name] else [pytest.mark.long], id=f"{t.name}-{op}")
    for t in TARGETS if not t.beyond for op in ops_with_cases()
])
def test_core_equals_the_reference(target: Microcontroller, op: str, programs: Path) -> None:
    assert_equal_to_the_reference(target, op, programs)


ZFH = next(t for t in TARGETS if t.name == "rv32-zfh")
MUTATIONS = [
    Mutation("rounded_twice", "f16.h", "return (float)sum;", "return (float)(_Float16)((_Float16)x * (_Float16)w) + total;",
             "dense_f16_fma_midpoints"),
    Mutation("rounded_towards_zero", "f16.h", "fmadd.h %0, %1, %2, %3", "fmadd.h %0, %1, %2, %3, rtz", "dense_f16_fma_midpoints"),
    Mutation("product_taken_away", "f16.h", "fmadd.h", "fnmsub.h", "dense_f16_fma_midpoints"),
    Mutation("half_of_the_bits", "f16.h", "memcpy(&half, &narrow, sizeof half);", "half = (uint8_t)narrow;", "dense_f16_fma_midpoints"),
]  # fmt: skip


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_mistake_in_16_bit_floats_is_noticed(mutation: Mutation, tmp_path: Path, programs: Path) -> None:
    for header in KERNELS.glob("*.h"):
        shutil.copy(header, tmp_path)
    (case,) = (c for c in all_cases() if c.name == mutation.case)
    assert wrong_nets(case, tmp_path, programs) == []
    text = (tmp_path / mutation.file).read_text()
    assert text.count(mutation.text) == 1
    (tmp_path / mutation.file).write_text(text.replace(mutation.text, mutation.wrong))
    assert wrong_nets(case, tmp_path, programs)


def wrong_nets(case: Case, kernels: Path, programs: Path) -> list[str]:
    """The nets of a case that differ from the reference, with these kernels before the portable ones."""
    target = replace(ZFH, kernels=(kernels, *ZFH.kernels))
    work = Path(tempfile.mkdtemp(dir=kernels))
    found = outputs_or_fault([case], target, work, programs)
    if found is None:
        return [case.name]
    with np.errstate(all="ignore"):
        (expected,) = run(case.graph, samples(case)).values()
    return [net.name for net in nets([case], target) if difference(next(iter(found[net.name].values())), expected)]


def test_the_rtl_runs_programs_of_the_matrix(programs: Path) -> None:
    def few(net: Net) -> bool:
        return net.name.startswith("dense_s8_")

    core = next(t for t in TARGETS if t.name == "cv32e40p")
    assert_equal_to_the_reference(core, "dense", programs, RTL, few)
