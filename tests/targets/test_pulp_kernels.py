"""Kernels of PULP's packed halves and of fused floats on the core's RTL, against the reference, in every bit."""
from __future__ import annotations

from pathlib import Path

import pytest

from tapeout.targets.microcontroller.family import Microcontroller
from tapeout.targets.riscv.target import PULP, TARGETS

from .board import RTL, assert_equal_to_the_reference
from .matrix import Net

CORE: Microcontroller = next(t for t in TARGETS if t.name == "pulp-fp16")
OPS = sorted(path.stem.removesuffix("_pulp") for path in PULP.glob("*_pulp.h"))


def own(net: Net) -> bool:
    return net.selection.chosen[net.case.graph.nodes[0].name].path.parent == PULP


@pytest.mark.parametrize("op", [pytest.param(op, marks=[] if op == "dense" else pytest.mark.long) for op in OPS])
def test_core_equals_the_reference(op: str, programs: Path) -> None:
    assert_equal_to_the_reference(CORE, op, programs, RTL, own)
