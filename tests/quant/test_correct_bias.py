"""Corrected biases give each channel's sums the mean that they have in the float network."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.run import run
from tapeout.quant import Improvement, QuantizeOptions, correct_bias, quantize
from tapeout.quant.annotate import annotate
from tapeout.quant.correct_bias import corrected
from tapeout.quant.options import Calibration
from tapeout.quant.quantize import improved
from tapeout.quant.recipe import Recipe, load, parse
from tapeout.quant.refine import Layer, refine
from tapeout.quant.sensitivity import decibels

from .float_nets import network, samples

FEW = parse({"weights": {"bits": 3}, "activations": {"bits": 6, "symmetric": False}}, "few")
OPTIONS = QuantizeOptions(improve=(Improvement.CORRECT_BIAS,))


def means(graph: Graph, x: Array) -> Array:
    """The mean of each channel of the result."""
    found = run(graph, {"x": x})[graph.outputs[0].value]
    return np.asarray(found.reshape(-1, found.shape[-1]).mean(0, dtype=np.float64))


def errors(step: Callable[[Layer], Layer]) -> Array:
    """By how far the means of the last sums are off, before their quantizer and with biases that are not rounded."""
    plain = improved(network(), {"x": samples(256)}, FEW, QuantizeOptions())
    formats = {name: f for name, f in plain.formats.items() if name != "out" and not name.endswith(".b")}
    found = annotate(refine(plain.simple, formats, {"x": samples(256)}, [step]), formats)
    return np.asarray(np.abs(means(found, samples(256)) - means(plain.simple, samples(256))))


def test_means_are_those_of_floats() -> None:
    assert errors(lambda layer: layer).min() > 1e-3
    assert errors(corrected).max() < 1e-5


def test_the_wrong_direction_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = correct_bias._mean
    monkeypatch.setattr(correct_bias, "_mean", lambda *arguments: -real(*arguments))
    assert errors(corrected).max() > 1e-3


@pytest.mark.parametrize("recipe", [load("w4a8"), FEW, load("int8")], ids=lambda recipe: recipe.name)
def test_less_is_lost(recipe: Recipe) -> None:
    x = samples(256)
    wanted = run(network(), {"x": x})["out"]
    found = []
    for options in (QuantizeOptions(Calibration.MSE), QuantizeOptions(Calibration.MSE, improve=(Improvement.CORRECT_BIAS,))):
        graph = quantize(network(), {"x": x}, recipe, options)
        found.append(decibels(wanted, run(graph, {"x": x})[graph.outputs[0].value]))
    assert found[1] > found[0]


def test_layers_without_a_bias_get_one() -> None:
    """As batch normalization leaves it, the convolutions of this network have none of their own."""
    found = improved(network(norms=True), {"x": samples()}, FEW, OPTIONS)
    assert all(any(node.inputs[2:3]) for node in found.graph.nodes if node.name in ("first", "deep", "point", "out"))
    assert {"first.w", "first", "out"} <= set(found.formats)
