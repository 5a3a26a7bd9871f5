"""The pass narrow_floats: which format each tensor gets, where casts stand, and that f32 sums change no bit of the annotated graph."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler import text
from tapeout.compiler.build import simplify
from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import BF16, F16, F32, Graph, QType
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.passes.narrow_floats import narrow_floats
from tapeout.compiler.run import run
from tapeout.quant.annotate import annotate
from tapeout.quant.quantize import annotated_blindly
from tapeout.quant.recipe import load, parse
from tests.quant.float_nets import network


def formats(graph: Graph) -> list[str]:
    """`name op format` of each node."""
    return [f"{n.name} {n.op.name()} {graph.values[n.name].type.q.code}" for n in graph.nodes]


def annotated(recipe: str) -> Graph:
    return annotated_blindly(network(residual=True), load(recipe))


def test_a_graph_without_such_formats_stays() -> None:
    graph = simplify(network())
    assert narrow_floats(graph) is graph
    codes = annotated("int8")
    assert narrow_floats(codes) is codes


@pytest.mark.parametrize("recipe", ["fp16", "bf16"])
def test_sums_in_f32_change_nothing(recipe: str) -> None:
    before = annotated(recipe)
    after = narrow_floats(before)
    x = np.random.default_rng(0).standard_normal((8, *before.values[before.input_names[0]].type.shape)).astype(np.float32)
    feed = {before.input_names[0]: x}
    (expected,), (found,) = run(before, feed).values(), run(after, feed).values()
    assert np.array_equal(expected, found)


def test_every_tensor_is_narrow_and_ports_are_not() -> None:
    graph = narrow_floats(annotated("fp16"))
    first, *inner, last = formats(graph)
    assert first == "x_f16 cast f16" and last == "out_f32 cast f32"
    assert inner and all(line.endswith(" f16") for line in inner) and not any("cast" in line for line in inner)
    assert {v.type.q.code for v in graph.constants()} == {"f16", "f32"}  # weights and biases


def test_accumulators_in_f16_take_their_bias_along() -> None:
    graph = narrow_floats(annotated("fp16-fma"))
    assert {v.type.q for v in graph.constants()} == {F16}
    assert "accumulator=f16()" in text.format(graph)
    constants = {v.name: v.data for v in graph.constants() if v.data is not None}
    assert text.format(text.parse(text.format(graph), constants, "x")) == text.format(graph)


def test_casts_stand_where_formats_meet() -> None:
    recipe = parse({
        "weights": {"encoding": "f16"}, "activations": {"encoding": "f16"},
        "rules": [{"layers": ["@last"], "weights": {"encoding": "bf16"}, "activations": {"encoding": "f32"}}],
    }, "mixed")
    graph = narrow_floats(annotated_blindly(network(), recipe))
    lines = formats(graph)
    assert lines[-1] == "out dense f32" and lines[-2].endswith("cast f32") and lines[0] == "x_f16 cast f16"


def test_codes_beside_floats_are_refused_by_name() -> None:
    graph = simplify(network())
    (x,) = graph.input_names
    layer = next(n for n in graph.nodes if n.op.name() == "conv2d")
    both = annotate(graph, {x: FakeQuantize(QType(8), Rounding.HALF_AWAY), layer.name: FakeQuantize(F16)})
    with pytest.raises(Unsupported, match=f"^{x}: integer codes beside 16-bit floats; give all tensors of a network one of both$"):
        narrow_floats(both)


def test_sums_that_no_format_has_are_refused_by_name() -> None:
    recipe = replace(load("bf16"), default=replace(load("bf16").default, accumulator=load("fp16-fma").default.accumulator))
    with pytest.raises(TapeoutError, match=r"^first: sums of bf16 operands in f16 are undefined; sum in f32$"):
        narrow_floats(annotated_blindly(network(), recipe))


def test_bfloat16_constants_survive_files(tmp_path: Path) -> None:
    graph = text.ordered(narrow_floats(annotated("bf16")))
    text.save(graph, tmp_path)
    again = text.load(tmp_path)
    assert {v.type.q for v in again.constants()} == {BF16, F32}
    for value in graph.constants():
        assert value.data is not None and np.array_equal(again.data(value.name).view(np.uint8), value.data.view(np.uint8))
