"""Every op on every type on RISC-V cores in QEMU: the C that clang makes for the core against the reference, in every bit."""
from __future__ import annotations

from pathlib import Path

import pytest

from tapeout.targets.microcontroller.family import Microcontroller
from tapeout.targets.riscv.target import TARGETS
from tests.cases import ops_with_cases

from .board import assert_equal_to_the_reference

USUAL = {  # a share of the ops that a short run tests; kernels are portable, and the host runs them all
    "rv32imc": ("conv2d", "dense", "depthwise_conv2d", "max_pool2d", "quantize", "requant", "softmax"),
    "cv32e40p": (),
    "rv32-zfh": ("add", "average_pool2d", "dense", "sigmoid"),
}


@pytest.mark.parametrize(("target", "op"), [
    pytest.param(t, op, marks=[] if op in USUAL[t.name] else [pytest.mark.long], id=f"{t.name}-{op}")
    for t in TARGETS for op in ops_with_cases()
])
def test_core_equals_the_reference(target: Microcontroller, op: str, programs: Path) -> None:
    assert_equal_to_the_reference(target, op, programs)
