"""Sums and their requants become one node that computes the same bytes."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Builder, Graph, Port, QType, Type, verify
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.dequantize import Dequantize
from tapeout.compiler.ops.mul import Mul
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.threshold import Threshold
from tapeout.compiler.passes.fuse_requant import fuse_requant
from tests.models import MODELS, assert_same_outputs, samples

CODES = QType(8, True, (0.1,), (3,))


@pytest.mark.parametrize("name", [n for n in MODELS if n.endswith("s8")])
def test_outputs_stay_and_no_sum_is_left(name: str) -> None:
    before = MODELS[name]()
    after = verify(fuse_requant(before))
    assert_same_outputs(before, after, samples(before))
    assert not any(isinstance(n.op, Requant) for n in after.nodes)
    assert all(t.quantized.bits == 8 for n in after.nodes for t in after.output_types(n))
    assert {n.name for n in after.nodes} < {n.name for n in before.nodes}


def port(name: str, *shape: int) -> Port:
    return Port(name, name, "int8", tuple(range(len(shape))))


def product(outputs: tuple[str, ...] = ("y",), twice: bool = False, zero: int = 0) -> Graph:
    """A product or, with a zero point in the sum, a requant of that; optionally read twice."""
    build = Builder()
    for name in ("a", "b"):
        build.input(name, Type((1, 4), CODES))
    mul, shift = build.constant("mul", np.array([1 << 30], np.int32)), build.constant("shift", np.array([38], np.int8))
    build.add(Mul(), ["a", "b"], "sum")
    requant = Requant(QType(8, True, (0.2,), (zero,)))
    build.add(requant, ["sum", mul, shift], "y")
    if twice:
        build.add(requant, ["sum", mul, shift], "z")
    return verify(Graph("net", (port("a", 1, 4), port("b", 1, 4)), tuple(port(o, 1, 4) for o in outputs), tuple(build.nodes), build.values))


def test_a_product_takes_its_requant() -> None:
    before = product()
    after = verify(fuse_requant(before))
    assert [(n.name, n.inputs) for n in after.nodes] == [("y", ("a", "b", "mul", "shift"))]
    assert_same_outputs(before, after, samples(before))


@pytest.mark.parametrize("before", [product(outputs=("sum", "y")), product(("y", "z"), twice=True)], ids=["output", "read twice"])
def test_a_sum_that_others_read_is_refused(before: Graph) -> None:
    with pytest.raises(Unsupported, match="sum: mul gives 32-bit sums, which one requant alone must read"):
        fuse_requant(before)


def test_an_absent_bias_keeps_its_place() -> None:
    build = Builder()
    build.input("x", Type((1, 3), CODES))
    w = build.constant("w", np.ones((2, 3), np.int8))
    mul, shift = build.constant("mul", np.array([1 << 30], np.int32)), build.constant("shift", np.array([33], np.int8))
    build.add(Dense(), ["x", w, ""], "sum")
    build.add(Requant(CODES), ["sum", mul, shift], "y")
    before = verify(Graph("net", (port("x", 1, 3),), (port("y", 1, 2),), tuple(build.nodes), build.values))
    after = verify(fuse_requant(before))
    assert after.nodes[0].inputs == ("x", "w", "", "mul", "shift")
    assert_same_outputs(before, after, samples(before))


def layer(stage: str, x_zero: bool = False, raw: bool = False) -> Graph:
    """A dense layer whose sums a requant, thresholds or a dequantize read."""
    build = Builder()
    build.input("x", Type((1, 3), CODES))
    inputs = ["x", build.constant("w", np.ones((2, 3), np.int8)), ""]
    if x_zero:
        inputs += ["", "", build.constant("zero", np.array([5], np.int32))]
    build.add(Dense(), inputs, "sum")
    if stage == "threshold":
        t, descending = build.constant("t", np.array([[-5, 5]], np.int32)), build.constant("descending", np.array([0], np.int8))
        build.add(Threshold(QType(2, False)), ["sum", t, descending], "y")
    elif stage == "requant":
        mul, shift = build.constant("mul", np.array([1 << 30], np.int32)), build.constant("shift", np.array([33], np.int8))
        build.add(Requant(CODES), ["sum", mul, shift], "y")
    else:
        build.add(Dequantize(), ["sum"], "y")
    outputs = (port("y", 1, 2), *([port("sum", 1, 2)] if raw else []))
    return verify(Graph("net", (port("x", 1, 3),), outputs, tuple(build.nodes), build.values))


@pytest.mark.parametrize(("stage", "x_zero", "inputs"), [
    ("threshold", False, ("x", "w", "", "t", "descending")),
    ("threshold", True, ("x", "w", "", "t", "descending", "zero")),
    ("requant", True, ("x", "w", "", "mul", "shift", "zero")),
])
def test_a_stage_stands_before_a_computed_zero_point(stage: str, x_zero: bool, inputs: tuple[str, ...]) -> None:
    before = layer(stage, x_zero)
    after = verify(fuse_requant(before))
    assert [(n.name, n.inputs) for n in after.nodes] == [("y", inputs)]
    assert_same_outputs(before, after, samples(before))


def test_sums_live_where_they_become_floats() -> None:
    before = layer("dequantize")
    assert [n.name for n in fuse_requant(before).nodes] == ["sum", "y"]
    with pytest.raises(Unsupported, match="sum: dense gives 32-bit sums"):
        fuse_requant(layer("dequantize", raw=True))
