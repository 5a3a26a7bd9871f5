"""RTL op x bit width x fold x stalls against the reference: one simulator for each op."""
from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from tapeout.cosim.verilator.simulator import Simulator, build
from tapeout.targets.rtl.emit import write_design
from tapeout.targets.rtl.instance import Fold
from tapeout.targets.rtl.library import KERNELS
from tests.cases import Case, all_cases

from .rtl_cases import FEW_BITS
from .rtl_matrix import Matrix, fold_of, matrix, runs
from .rtl_widths import WIDTH_CASES

LARGEST = 1200  # elements of a tensor: more of them show nothing more


def cases(op: str) -> list[Case]:
    small = [c for c in all_cases() if c.op == op and max(v.type.size for v in c.graph.values.values()) <= LARGEST]
    return [case for case in [*small, *(c for c in WIDTH_CASES if c.op == op)] if len(case.graph.nodes) == 1 and runs(case) is None]


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


def few(more: Iterable[tuple[Case, Fold]] = ()) -> Matrix:
    """Layers of few bits; a convolution and a pooling, so slow that their rings of lines fill."""
    return matrix([*FEW_BITS, *((case, Fold()) for case in all_cases() if case.name in WINDOWS), *more])


ONE_OF_EACH = (
    "add_s8_tflite_apart", "sub_width_s4_u4_4", "mul_s8_half_up", "depthwise_conv2d_width_thrice_u4_s8_3", "average_pool2d_width_s2_1_1",
    "mean_width_s8_3_128", "concat_width_s4_3_3", "pad_width_s2_1_1", "slice_width_s4_1_3", "transpose_width_u4_1_5", "clip_s8_both",
    "lut_s8_plane",
)  # fmt: skip


def test_few_bits_and_one_case_of_each_op_equal_the_reference(tmp_path: Path) -> None:
    known = {case.name: case for case in [*all_cases(), *WIDTH_CASES]}
    tested = few([(known[name], fold_of(known[name])) for name in ONE_OF_EACH])
    made = simulator(tested, tmp_path)
    assert differing(tested, made, 0.0) == differing(tested, made, 0.6) == []
