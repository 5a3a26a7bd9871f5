"""RTL op x bit width x fold x stalls against the reference: one simulator for each op."""
from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest

from tapeout.cosim.engine import EngineFailed
from tapeout.cosim.verilator.simulator import Simulator, build
from tapeout.targets.rtl.emit import write_design
from tapeout.targets.rtl.instance import Fold
from tapeout.targets.rtl.library import KERNELS
from tests.cases import Case, all_cases

from .rtl_cases import FEW_BITS
from .rtl_matrix import Matrix, fold_of, matrix, runs

LARGEST = 1200  # elements of a tensor: more of them show nothing more


def cases(op: str) -> list[Case]:
    small = [c for c in all_cases() if c.op == op and max(v.type.size for v in c.graph.values.values()) <= LARGEST]
    return [case for case in small if len(case.graph.nodes) == 1 and runs(case) is None]


def simulator(tested: Matrix, folder: Path, mutation: tuple[str, str, str] | None = None) -> Simulator:
    """Of the design, with one mistake in its modules if there is a mutation (file, text, other text)."""
    write_design(tested.graph, folder / "design", tested.folding)
    if mutation:
        file, text, other = mutation
        path = folder / "design" / file
        assert path.read_text().count(text) == 1
        path.write_text(path.read_text().replace(text, other))
    types = {name: value.type for name, value in tested.graph.values.items()}
    options = ("-Wall", *(("-Wno-fatal",) if mutation else ()))
    return build(folder / "design", types, folder / "built", options=options, optimize="-O0")


def differing(tested: Matrix, simulator: Simulator, stalls: float) -> list[str]:
    """The outputs that differ from the reference."""
    outputs, _ = simulator.run(tested.inputs, stalls, seed=3)
    return [name for name, array in tested.reference().items() if not np.array_equal(outputs[name], array)]


@pytest.mark.long
@pytest.mark.parametrize("op", sorted(path.stem for path in KERNELS.glob("*.py") if path.stem != "__init__"))
def test_equals_the_reference(op: str, tmp_path: Path) -> None:
    tested = matrix((case, fold_of(case)) for case in cases(op))
    assert len(tested.folding) >= 5
    made = simulator(tested, tmp_path)
    for stalls in (0.0, 0.4, 0.9):
        assert differing(tested, made, stalls) == []


WINDOWS = ("conv2d_s8_odd_padding", "max_pool2d_s8_plain")


def few() -> Matrix:
    """Layers of few bits; a convolution and a pooling, so slow that their rings of lines fill."""
    return matrix([*FEW_BITS, *((case, Fold()) for case in all_cases() if case.name in WINDOWS)])


_SMALL = "begin : g_small\n        logic signed [X_BITS:0] number;\n        assign number = {"
MUTATIONS = {
    "sign_of_inputs_dropped": ("matvec.sv", _SMALL + "X_SIGNED & ", _SMALL + "1'b0 & "),
    "folds_swapped": ("matvec.sv", "weights[word]", "weights[WORD_BITS'(PARTS * FOLDS - 1) - word]"),
    "last_lost": ("fifo.sv", "beats[tail] <= in_data", "beats[tail] <= {1'b0, in_data[WIDTH-2:0]}"),
    "bias_of_the_next_fold": ("matvec.sv", "bias[0] <= biases[fold]", "bias[0] <= biases[fold_end ? '0 : fold + 1'b1]"),
    "accumulator_kept": ("matvec.sv", "at_first[STAGES-1] ?", "1'b0 ?"),
    "beat_lost_in_a_stall": ("threshold.sv", "~out_valid | out_ready", "1'b1"),
    "line_off_by_one": ("window.sv", "assign row        = top + tap_y", "assign row        = top + tap_y + 1'b1"),
    "line_overwritten": ("window.sv", "in_ready = filled != N'(LINES)", "in_ready = 1'b1"),
    "padding_of_code_zero": ("window.sv", "{LANES{BITS'(FILL)}}", "{LANES*BITS{1'b0}}"),
    "one_bit_of_agreement": ("matvec.sv", "x[i] ~^ w", "x[i] ^ w"),
}  # fmt: skip


def test_few_bits_equal_the_reference(tmp_path: Path) -> None:
    tested = few()
    made = simulator(tested, tmp_path)
    assert differing(tested, made, 0.0) == differing(tested, made, 0.6) == []


@pytest.mark.long
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_caught(name: str, tmp_path: Path) -> None:
    """By a difference, or by the test bench, which checks the rules of streams."""
    tested = few()
    made = simulator(tested, tmp_path, MUTATIONS[name])
    with contextlib.suppress(EngineFailed):
        assert differing(tested, made, 0.6)
