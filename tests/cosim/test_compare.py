"""Comparison counts every element whose bits differ, and says where the first one is."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.ir import Array
from tapeout.cosim.compare import Comparison, Difference, compare, differing

from .nets import two_heads


def floats(*values: float) -> Array:
    return np.array(values, np.float32)


def test_floats_are_compared_by_their_bits() -> None:
    nan = np.array([0x7FC00000, 0xFFC00001], np.uint32).view(np.float32)
    reference = np.concatenate([floats(0.0, 1.0, 1.0, np.inf), nan[:1], nan[:1]])
    engine = np.concatenate([floats(-0.0, 1.0, np.nextafter(np.float32(1), np.float32(2)), np.inf), nan[1:], floats(0.0)])
    assert differing(reference, engine).tolist() == [True, False, True, False, False, True]


@pytest.mark.parametrize("engine", [np.zeros((2, 3), np.int16), np.zeros((2, 4), np.int8), np.zeros((2, 3, 1), np.int8)])
def test_another_shape_or_format_is_refused(engine: Array) -> None:
    with pytest.raises(ValueError, match="compared with int8"):
        differing(np.zeros((2, 3), np.int8), engine)


def test_all_outputs_are_counted_and_the_first_sample_is_named() -> None:
    graph = two_heads()
    reference = {"other": np.zeros((3, 2, 2), np.float32), "low": np.zeros((3, 1, 4), np.float32)}
    engine = {name: a.copy() for name, a in reference.items()}
    assert compare(reference, engine, graph) == Comparison(24, 0)
    engine["other"][2, 1, 0] = 1
    engine["low"][1, 0, 3] = 2.5
    engine["low"][2] = 1
    found = compare(reference, engine, graph)
    assert found == Comparison(24, 6, Difference("low", 1, (0, 3), 0.0, 2.5))
    assert found.text("host") == "host: 6 / 24 elements differ; first at output low [0,3] of sample 1: reference 0.0, host 2.5"


def test_text() -> None:
    assert Comparison(1200, 0).text("qemu") == "qemu: 0 / 1200 elements differ"
    first = Difference("conv3", 5, (0, 4, 2, 7), 12, 13, "conv3")
    assert Comparison(1200, 3, first).text("host") == (
        "host: 3 / 1200 elements differ; first at node conv3 [0,4,2,7] of sample 5: reference 12, host 13"
    )
    assert Difference("b", 0, (1,), 0, 1, "a").text("host") == "node a output b [1] of sample 0: reference 0, host 1"
