"""The cycle tables: complete for what a core executes, and sums that a person can follow."""
from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tapeout.cosim.marks import COUNTING
from tapeout.targets.board import load
from tapeout.targets.cortexm.target import TARGETS
from tapeout.targets.microcontroller.cycles import models, nanojoules

NAMES = re.findall(r'X\([A-Z_]+, "(\w+)"\)', (COUNTING / "classes.h").read_text())
M4 = models()["cortex-m4"]
OF_RISCV = r"jumps|unaligned_targets"
LACKS = {  # what a core has no instructions for, or its table does not tell apart
    "cortex-m0": r"multiply_long|divide|loop_end|float.*|vector.*|" + OF_RISCV,
    "cortex-m3": r"loop_end|float.*|vector.*|" + OF_RISCV,
    "cortex-m4": r"loop_end|vector.*|" + OF_RISCV,
    "cortex-m7": r"loop_end|vector.*|" + OF_RISCV,
    "cortex-m33": r"loop_end|vector.*|" + OF_RISCV,
    "cortex-m55": OF_RISCV,
    "cv32e40p": r".*multiple|registers_.*|program_counter_loads|loop_end|vector.*",
}


def test_every_core_has_a_model() -> None:
    assert set(models()) == {target.name for target in TARGETS} | {"cv32e40p"}


@pytest.mark.parametrize("core", LACKS)
def test_a_table_knows_every_class_of_its_core_and_no_other(core: str) -> None:
    assert len(NAMES) == 26
    assert set(models()[core].cycles) == {name for name in NAMES if not re.fullmatch(LACKS[core], name)}


def test_a_multiple_load_takes_one_and_one_for_each_register() -> None:
    """Two LDM of four words and eight SMLAD, the inner block of a convolution; then a loop's end and a return by POP {pc}."""
    assert M4.modelled({"load_multiple": 2, "registers_loaded": 8, "multiply": 8}) == 2 + 8 + 8
    assert M4.modelled({"alu": 1, "branch_taken": 1}) == 4
    assert M4.modelled({"load_multiple": 1, "registers_loaded": 2, "program_counter_loads": 1}) == 1 + 2 + 2


def test_loads_behind_loads_are_pipelined() -> None:
    assert M4.modelled({"load": 1, "load_next": 3}) == 5


def test_vectors_overlap_with_other_units() -> None:
    m55 = models()["cortex-m55"]
    assert m55.modelled({"vector_load": 4, "vector_multiply": 4, "vector_overlaps": 7, "loop_end": 1}) == 9


def test_what_a_core_cannot_execute_is_an_error() -> None:
    with pytest.raises(ValueError, match="cortex-m4: cycles.toml has no cycles for vector_load"):
        M4.modelled({"alu": 3, "vector_load": 1, "vector_store": 0})


def test_time_and_energy_of_a_board() -> None:
    board = replace(load("nucleo-l4r5zi"), clock_hz=100_000_000, power_mw=20.0)
    assert replace(M4, stall=1.5).nanoseconds(1000, board) == 15_000
    assert nanojoules(15_000, board) == 300
    assert nanojoules(15_000, replace(board, power_mw=None)) is None
