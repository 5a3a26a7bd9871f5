"""What the table of sensitivities says: one line for each quantized layer, the worst first, and by how much by arithmetic that is known."""
from __future__ import annotations

import warnings

import numpy as np
import pytest

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, Graph, QType
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.run import run
from tapeout.quant.annotate import annotate
from tapeout.quant.options import Calibration, QuantizeOptions
from tapeout.quant.quantize import quantize
from tapeout.quant.recipe import Recipe, load, parse
from tapeout.quant.sensitivity import decibels, fidelity, sensitivity_table

from .float_nets import network, samples

LAYERS = ["x", "first", "deep", "point", "sum", "pooled", "out"]
INT8 = {"symmetric": False}


def table(recipe: Recipe, graph: Graph | None = None, options: QuantizeOptions | None = None) -> list[tuple[float, str, str]]:
    """The lines below the heading: decibels, layer, formats."""
    graph = network(residual=True) if graph is None else graph
    heading, *rows = sensitivity_table(graph, {"x": samples()}, recipe, options or QuantizeOptions()).splitlines()
    assert heading == " SQNR dB  layer (quantized alone)"
    found = []
    for row in rows:
        db, rest = row.strip().split("  ")
        layer, formats = rest.split(": ")
        assert row == f"{float(db):>8.1f}  {layer}: {formats}", "columns stand under each other"
        found.append((float(db), layer, formats))
    return found


@pytest.mark.parametrize("calibration", Calibration)
def test_one_line_for_each_quantized_layer_the_worst_first(calibration: Calibration) -> None:
    rows = table(load("int8"), options=QuantizeOptions(calibration))
    assert sorted(layer for _, layer, _ in rows) == sorted(LAYERS)
    assert [db for db, _, _ in rows] == sorted(db for db, _, _ in rows)
    assert {layer: formats for _, layer, formats in rows} == {
        "x": "activation s8", "sum": "activation s8", "pooled": "activation s8",
        **dict.fromkeys(("first", "deep", "point", "out"), "weight s8, bias s32, activation s8"),
    }


@pytest.mark.parametrize("bad", ["first", "deep", "point", "out"])
def test_a_layer_with_two_bits_comes_first(bad: str) -> None:
    rule = {"layers": [bad], "weights": {"bits": 2}}
    plain = {layer: db for db, layer, _ in table(load("int8"), network())}
    (db, layer, formats), *others = table(parse({"activations": INT8, "rules": [rule]}, "bad"), network())
    assert (layer, formats) == (bad, "weight s2, bias s32, activation s8")
    assert db < 30 and min(plain.values()) > 40
    assert {layer: db for db, layer, _ in others} == {layer: db for layer, db in plain.items() if layer != bad}, "each is alone"


@pytest.mark.parametrize("bad", [["x"], ["sum", "pooled"], ["out"]])
def test_an_activation_with_two_bits_comes_first(bad: list[str]) -> None:
    """A pooling has the format of what it reads, and loses as much."""
    rows = table(parse({"activations": INT8, "rules": [{"layers": [bad[0]], "activations": {"bits": 2}}]}, "bad"))
    assert sorted(layer for _, layer, _ in rows[: len(bad)]) == sorted(bad)
    assert [layer for _, layer, formats in rows if formats.endswith("activation s2")] == [layer for _, layer, _ in rows[: len(bad)]]


def test_what_stays_float_has_no_line() -> None:
    rule = {"layers": ["deep", "sum", "pooled"], "weights": {"encoding": "f32"}, "activations": {"encoding": "f32"}}
    assert {layer for _, layer, _ in table(parse({"activations": INT8, "rules": [rule]}, "some"))} == {"x", "first", "point", "out"}
    assert table(load("float")) == []


def test_a_line_is_the_noise_of_that_layer_alone() -> None:
    """The input's, computed here: its codes in, floats behind."""
    graph, x = network(residual=True), samples()
    reals = np.clip(np.floor(x * 16 + 0.5), -128, 127) / 16
    assert (np.abs(x * 16 % 1 - 0.5) > 1e-3).any() and not (x * 16 % 1 == 0.5).any(), "no ties, so that no rounding matters"
    wanted, found = (run(graph, {"x": array.astype(np.float32)})["out"] for array in (x, reals))
    tensor = {"symmetric": True, "integer_bits": 4}
    assert {layer: db for db, layer, _ in table(parse({"activations": tensor}, "fixed"))}["x"] == round(decibels(wanted, found), 1)


@pytest.mark.parametrize(("wanted", "found", "expected"), [
    ([1.0, -1.0], [1.0, -1.0], np.inf),
    ([3.0, 4.0], [3.0, 4.5], 20.0),
    ([10.0], [9.0], 20.0),
    ([1.0, 0.0], [0.0, 0.0], 0.0),
    ([1.0], [-1.0], -6.0206),
    ([1e-3], [1.001], -60.0),
    ([0.0, 0.0], [0.0, 0.0], np.inf),
    ([0.0, 0.0], [0.0, 0.1], -np.inf),
])  # fmt: skip
def test_decibels_of_known_numbers(wanted: list[float], found: list[float], expected: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decibels(np.array(wanted), np.array(found)) == pytest.approx(expected, abs=1e-3)


def rounded_to(graph: Graph, step: float) -> Graph:
    """The graph whose result is rounded to a step."""
    return annotate(graph, {"out": FakeQuantize(QType(16, True, (step,)), Rounding.HALF_EVEN)})


def logits() -> Array:
    return run(network(), {"x": samples()})["out"].reshape(32, 5)


@pytest.mark.parametrize("step", [2.0**-8, 0.25, 1.0, 4.0])
def test_fidelity_says_noise_and_agreement(step: float) -> None:
    wanted = logits().astype(np.float64)
    found = np.rint(wanted / step) * step
    db = 10 * np.log10((wanted**2).sum() / ((wanted - found) ** 2).sum())
    same = sum(int(a.argmax() == b.argmax()) for a, b in zip(wanted, found, strict=True))
    said = fidelity(network(), rounded_to(network(), step), {"x": samples()})
    assert said == f"SQNR {db:.1f} dB, top-1 agreement {100 * same / 32:.1f} %"
    assert (same == 32) == (step < 1), "both sides of the comparison occur"


def test_fidelity_of_the_network_itself() -> None:
    assert fidelity(network(), network(), {"x": samples()}) == "SQNR inf dB, top-1 agreement 100.0 %"


def test_fidelity_falls_with_the_bits() -> None:
    found = {}
    for name in ("fixed<16,6>", "int8", "w4a8", "w2a4"):
        said = fidelity(network(), quantize(network(), {"x": samples()}, load(name), QuantizeOptions()), {"x": samples()})
        found[name] = float(said.split()[1])
    assert found["fixed<16,6>"] > found["int8"] > found["w4a8"] > found["w2a4"] > 0
