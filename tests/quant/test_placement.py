"""Which format every tensor of a network gets: what the text of each ready-made recipe says, and what rules change of it."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import F32, Builder, Graph, Op, Port, QType, Type, verify
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.ops.sigmoid import Sigmoid
from tapeout.compiler.ops.softmax import Softmax
from tapeout.compiler.ops.tanh import Tanh
from tapeout.quant.options import QuantizeOptions
from tapeout.quant.quantize import annotated_blindly, quantize
from tapeout.quant.recipe import LayerRecipe, Recipe, load, parse, ready_made

from .float_nets import network, samples

# A line is a tensor: its name; bits and sign (s8, u4, b1 for one bipolar bit) or a float format; `zero` with a zero point other than 0;
# `channel` with a scale for each of several channels, `group` for each group of them; `narrow` without the least code; a scale where the
# recipe fixes it; how it is rounded. Weights and biases are rounded half away from zero before anything runs, whatever the recipe says, and
# so is the input where the recipe says half up, as TensorFlow Lite does it.
INT8 = """
x        s8 zero            half_away
first.w  s8 channel narrow  half_away
first.b  s32 channel        half_away
first    s8 zero            half_up
deep.w   s8 channel narrow  half_away
deep.b   s32 channel        half_away
deep     s8 zero            half_up
point.w  s8 channel narrow  half_away
point.b  s32 channel        half_away
point    s8 zero            half_up
sum      s8 zero            half_up
pooled   s8 zero            half_up
out.w    s8 channel narrow  half_away
out.b    s32 channel        half_away
out      s8 zero            half_up
"""
SAID = {
    "int8": INT8,
    "int8-sym": """
x        s8                 half_away
first.w  s8 channel narrow  half_away
first.b  s32 channel        half_away
first    s8                 half_up
deep.w   s8 channel narrow  half_away
deep.b   s32 channel        half_away
deep     s8                 half_up
point.w  s8 channel narrow  half_away
point.b  s32 channel        half_away
point    s8                 half_up
sum      s8                 half_up
pooled   s8                 half_up
out.w    s8 channel narrow  half_away
out.b    s32 channel        half_away
out      s8                 half_up
""",
    "mixed": INT8,
    "w4a8": """
x        s8 zero            half_away
first.w  s8 channel narrow  half_away
first.b  s32 channel        half_away
first    s8 zero            half_up
deep.w   s4 channel narrow  half_away
deep.b   s32 channel        half_away
deep     s8 zero            half_up
point.w  s4 channel narrow  half_away
point.b  s32 channel        half_away
point    s8 zero            half_up
sum      s8 zero            half_up
pooled   s8 zero            half_up
out.w    s8 channel narrow  half_away
out.b    s32 channel        half_away
out      s8 zero            half_up
""",
    "w8a16": """
x        s16                half_away
first.w  s8 channel narrow  half_away
first.b  s64 channel        half_away
first    s16                half_up
deep.w   s8 channel narrow  half_away
deep.b   s64 channel        half_away
deep     s16                half_up
point.w  s8 channel narrow  half_away
point.b  s64 channel        half_away
point    s16                half_up
sum      s16                half_up
pooled   s16                half_up
out.w    s8 channel narrow  half_away
out.b    s64 channel        half_away
out      s8                 half_up
""",
    "w2a4": """
x        s8 zero            half_away
first.w  s8 channel narrow  half_away
first.b  s32 channel        half_away
first    u4                 half_up
deep.w   s2 channel         half_away
deep.b   s32 channel        half_away
deep     u4                 half_up
point.w  s2 channel         half_away
point.b  s32 channel        half_away
point    u4                 half_up
sum      u4                 half_up
pooled   u4                 half_up
out.w    s8 channel narrow  half_away
out.b    s32 channel        half_away
out      s8 zero            half_up
""",
    "ternary": """
x        s8 zero            half_away
first.w  s8 channel narrow  half_away
first.b  s32 channel        half_away
first    s8 zero            half_up
deep.w   s2 channel narrow  half_away
deep.b   s32 channel        half_away
deep     s8 zero            half_up
point.w  s2 channel narrow  half_away
point.b  s32 channel        half_away
point    s8 zero            half_up
sum      s8 zero            half_up
pooled   s8 zero            half_up
out.w    s8 channel narrow  half_away
out.b    s32 channel        half_away
out      s8 zero            half_up
""",
    # no bias where thresholds hold it; what is no layer's result keeps eight bits
    "binary": """
x        s8 zero            half_away
first.w  s8 channel narrow  half_away
first    b1                 half_up
deep.w   b1 channel         half_away
deep     b1                 half_up
point.w  b1 channel         half_away
point    b1                 half_up
sum      s8 zero            half_up
pooled   s8 zero            half_up
out.w    s8 channel narrow  half_away
out.b    s32 channel        half_away
out      s8 zero            half_up
""",
    "fixed<8,3>": """
x        s8 2^-5    half_even
first.w  s8 2^-5    half_away
first.b  s32 2^-10  half_away
first    s8 2^-5    half_even
deep.w   s8 2^-5    half_away
deep.b   s32 2^-10  half_away
deep     s8 2^-5    half_even
point.w  s8 2^-5    half_away
point.b  s32 2^-10  half_away
point    s8 2^-5    half_even
sum      s8 2^-5    half_even
pooled   s8 2^-5    half_even
out.w    s8 2^-5    half_away
out.b    s32 2^-10  half_away
out      s8 2^-5    half_even
""",
    # biases stay float32, as the sums are
    "fp16": """
x        f16
first.w  f16
first    f16
deep.w   f16
deep     f16
point.w  f16
point    f16
sum      f16
pooled   f16
out.w    f16
out      f16
""",
    "fp16-fma": """
x        f16
first.w  f16
first    f16
deep.w   f16
deep     f16
point.w  f16
point    f16
sum      f16
pooled   f16
out.w    f16
out      f16
""",
    "bf16": """
x        bf16
first.w  bf16
first    bf16
deep.w   bf16
deep     bf16
point.w  bf16
point    bf16
sum      bf16
pooled   bf16
out.w    bf16
out      bf16
""",
    "float": "",
    "fp32-fma": "",
}


def rows(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line]


def line(name: str, format: FakeQuantize) -> str:
    q = format.output
    if not isinstance(q, QType):
        return f"{name} {q.code}"
    assert q.bipolar == (q.code == "b1") and len(q.zero) == len(q.scale) and (q.axis is None) == (len(q.scale) == 1)
    exponent = {2.0**-n: f"2^-{n}" for n in (5, 10)}.get(q.scale[0]) if len(q.scale) == 1 else None
    kind = "group" if q.block else "channel" if q.axis is not None else ""
    words = [name, q.code, "zero" if any(q.zero) else "", kind, "narrow" if q.narrow else "", exponent or "", format.rounding.value]
    return " ".join(filter(None, words))


def placed(graph: Graph, recipe: Recipe) -> list[str]:
    """The line of each tensor behind a quantizer. What only training or a search finds is placed with made-up ranges."""
    if recipe.name in ("binary", "mixed"):
        quantized = annotated_blindly(graph, recipe)
    else:
        quantized = quantize(graph, {"x": samples()}, recipe, QuantizeOptions())
    return [line(n.inputs[0], n.op) for n in quantized.nodes if isinstance(n.op, FakeQuantize)]


def assert_as_said(name: str) -> None:
    assert placed(network(residual=True), load(name)) == rows(SAID[name])


@pytest.mark.parametrize("name", SAID)
def test_every_tensor_has_the_format_that_the_recipe_says(name: str) -> None:
    assert_as_said(name)


def test_no_ready_made_recipe_is_forgotten() -> None:
    assert {*SAID, "fixed<W,I>"} == {*ready_made(), "fixed<8,3>"}


@pytest.mark.parametrize("name", SAID)
def test_batch_norms_are_folded_and_change_no_format(name: str) -> None:
    said = [r.replace(".b ", ".sums_bias ") if not r.startswith("out") else r for r in rows(SAID[name]) if not r.startswith("sum ")]
    assert placed(network(norms=True), load(name)) == said


@pytest.mark.parametrize("name", SAID)
def test_no_pooling_no_line_for_it(name: str) -> None:
    assert placed(network(pool=False), load(name)) == [r for r in rows(SAID[name]) if not r.startswith(("sum ", "pooled "))]


# (recipe, layer): every rule of the ready-made recipes touches one of these
RULED = [
    ("w4a8", "first"), ("w4a8", "out"), ("ternary", "first"), ("ternary", "out"), ("w2a4", "x"), ("w2a4", "first"), ("w2a4", "out"),
    ("binary", "x"), ("binary", "first"), ("binary", "out"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "layer"), RULED)
def test_a_rule_ignored_for_one_layer_is_noticed(name: str, layer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison above bites."""
    real = Recipe.layer

    def ignoring(self: Recipe, at: str, type: str, positions: tuple[str, ...] = ()) -> LayerRecipe:
        return self.default if at == layer else real(self, at, type, positions)

    monkeypatch.setattr(Recipe, "layer", ignoring)
    with pytest.raises(AssertionError):
        assert_as_said(name)


def changed(rules: list[dict[str, object]], graph: Graph | None = None) -> list[str]:
    """The lines of int8 that rules change, as they become."""
    graph = network(residual=True) if graph is None else graph
    plain = placed(graph, load("int8"))
    ruled = placed(graph, parse({"activations": {"symmetric": False}, "rules": rules}, "ruled"))
    assert [row.split()[0] for row in ruled] == [row.split()[0] for row in plain]
    return [row for row, before in zip(ruled, plain, strict=True) if row != before]


@pytest.mark.parametrize(("rule", "lines"), [
    ({"layers": ["deep"], "weights": {"bits": 3}}, ["deep.w s3 channel narrow half_away"]),
    ({"layers": ["point.*"], "weights": {"bits": 3}}, []),  # rules name layers, not weights
    ({"layers": ["p*", "nosuch"], "weights": {"bits": 3}}, ["point.w s3 channel narrow half_away"]),
    ({"layers": ["pooled"], "activations": {"bits": 4}}, []),  # which has the format of its input
    ({"layers": ["sum"], "activations": {"bits": 4, "symmetric": True, "signed": False}}, ["sum u4 half_up", "pooled u4 half_up"]),
    ({"types": ["depthwise_conv2d"], "activations": {"bits": 6}}, ["deep s6 zero half_up"]),
    ({"types": ["conv2d"], "weights": {"granularity": "tensor"}}, [
        "first.w s8 narrow half_away", "first.b s32 half_away", "point.w s8 narrow half_away", "point.b s32 half_away",
    ]),
    ({"types": ["dense"], "weights": {"granularity": "group", "group": 16}}, ["out.w s8 group narrow half_away"]),
    ({"types": ["input"], "activations": {"symmetric": True}}, ["x s8 half_away"]),
    ({"layers": ["@first"], "types": ["dense"], "weights": {"bits": 3}}, []),  # both have to match
    ({"layers": ["@first"], "weights": {"bits": 16}}, ["first.w s16 channel narrow half_away"]),
    ({"layers": ["@last"], "activations": {"bits": 16}}, ["out s16 zero half_up"]),
    ({"layers": ["@first", "@last"], "rounding": "floor"}, ["first s8 zero floor", "out s8 zero floor"]),
    ({"layers": ["x"], "rounding": "half_even"}, ["x s8 zero half_even"]),
])  # fmt: skip
def test_a_rule_changes_what_it_names_and_nothing_else(rule: dict[str, object], lines: list[str]) -> None:
    assert changed([rule]) == lines


def test_later_rules_win_over_earlier_ones() -> None:
    everywhere: dict[str, object] = {"weights": {"bits": 3, "granularity": "tensor"}}
    depthwise: dict[str, object] = {"types": ["depthwise_conv2d"], "weights": {"bits": 5}}
    named: dict[str, object] = {"layers": ["deep"], "weights": {"granularity": "channel"}, "activations": {"bits": 7}}
    last: dict[str, object] = {"layers": ["@last"], "weights": {"bits": 8, "granularity": "channel"}}
    assert [r for r in changed([everywhere, depthwise, named, last]) if ".b " not in r] == [
        "first.w s3 narrow half_away", "deep.w s5 channel narrow half_away", "deep s7 zero half_up", "point.w s3 narrow half_away",
    ]
    assert [r for r in changed([named, last, depthwise, everywhere]) if ".b " not in r] == [
        "first.w s3 narrow half_away", "deep.w s3 narrow half_away", "deep s7 zero half_up", "point.w s3 narrow half_away",
        "out.w s3 narrow half_away",
    ]


def chain(*ops: Op) -> Graph:
    """One op after the other on (1, 4), each under its op's name; dense layers are called `dense1`, `dense2`, ..."""
    build = Builder()
    at, layers = build.input("x", Type((1, 4), F32)), 0
    random = np.random.default_rng(0)
    for op in ops:
        operands = [at]
        name = op.name()
        if isinstance(op, Dense):
            layers += 1
            name = f"dense{layers}"
            operands += [build.constant(f"{name}.w", random.normal(0, 1, (4, 4)).astype(np.float32)), ""]
        elif isinstance(op, Add):
            operands += [build.constant("added", random.normal(0, 1, 4).astype(np.float32))]
        at = build.add(op, operands, name)
    ports = [Port(name, name, "float32", (0, 1)) for name in ("x", at)]
    return verify(Graph("net", (ports[0],), (ports[1],), tuple(build.nodes), build.values))


def blindly(name: str, graph: Graph) -> list[str]:
    return [line(n.inputs[0], n.op) for n in annotated_blindly(graph, load(name)).nodes if isinstance(n.op, FakeQuantize)]


@pytest.mark.parametrize("name", ["int8-sym", "w2a4", "binary", "fixed<8,3>"])
def test_softmax_sigmoid_and_tanh_have_eight_bits_over_their_own_range(name: str) -> None:
    found = {row.split()[0]: row for row in blindly(name, chain(Dense(), Tanh(), Dense(), Sigmoid(), Dense(), Softmax()))}
    even = "half_even" if name.startswith("fixed") else "half_up"
    assert [found[n] for n in ("tanh", "sigmoid", "softmax")] == [f"tanh s8 {even}", f"sigmoid s8 zero {even}", f"softmax s8 zero {even}"]


@pytest.mark.parametrize(("name", "bits"), [("int8-sym", "s8"), ("w2a4", "s4"), ("w4a8", "s8 zero"), ("fp16", "f16")])
def test_a_constant_that_is_added_is_an_activation(name: str, bits: str) -> None:
    (row,) = (row for row in blindly(name, chain(Dense(), Tanh(), Add(), Sigmoid())) if row.startswith("added"))
    assert row in (f"added {bits}", f"added {bits} half_up")


@pytest.mark.parametrize("name", ["w4a8", "w2a4", "ternary", "binary"])
def test_the_only_layer_is_first_and_last(name: str) -> None:
    assert blindly(name, chain(Dense()))[1:] == ["dense1.w s8 channel narrow half_away", "dense1 s8 zero half_up"]


def test_what_only_training_finds_is_refused_and_names_layer_and_command() -> None:
    with pytest.raises(TapeoutError, match="^deep: recipe binary makes its weights binary, which only training finds; use tapeout retrain"):
        quantize(network(), {"x": samples()}, load("binary"), QuantizeOptions())


def test_what_only_a_search_finds_is_refused_and_names_the_command() -> None:
    with pytest.raises(TapeoutError, match="^recipe mixed: its bits are found by a search; use tapeout retrain with --budget flash="):
        quantize(network(), {"x": samples()}, load("mixed"), QuantizeOptions())


@pytest.mark.parametrize(("residual", "name", "scale"), [(False, "pooled", 2 / 255), (True, "sum", 4 / 255)])
def test_results_of_signs_reach_as_far_as_signs_do(residual: bool, name: str, scale: float) -> None:
    """What the float network has there, results of relus, says nothing of signs: half of their sums and means would be lost."""
    graph = annotated_blindly(network(residual=residual), load("binary"))
    (op,) = (n.op for n in graph.nodes if n.inputs[0] == name and isinstance(n.op, FakeQuantize))
    assert isinstance(op, FakeQuantize) and isinstance(op.output, QType)
    assert op.output.scale == pytest.approx((scale,))
