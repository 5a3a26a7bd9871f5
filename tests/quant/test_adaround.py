"""Rounding that is learned: codes beside the float ones, never worse than the nearest, and much better at few bits."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tapeout.compiler.codes import encode, spread
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, QType
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.run import run
from tapeout.quant import Improvement, QuantizeOptions, adaround, quantize
from tapeout.quant.adaround import rounded
from tapeout.quant.options import Calibration
from tapeout.quant.quantize import improved
from tapeout.quant.recipe import Recipe, load, parse
from tapeout.quant.refine import Layer, refine
from tapeout.quant.sensitivity import decibels

from .float_nets import SHAPE, network

pytestmark = pytest.mark.usefixtures("one_thread")
FOUR = parse({"weights": {"bits": 4}, "activations": {"symmetric": False}}, "four")
ZERO_POINT = parse({"weights": {"bits": 4, "symmetric": False, "granularity": "tensor"}, "activations": {"symmetric": False}}, "zero")
GROUPS = parse({"weights": {"bits": 4, "granularity": "group", "group": 4}, "activations": {"symmetric": False}}, "groups")
TERNARY = parse({"weights": {"encoding": "ternary"}, "activations": {"symmetric": False}}, "three")
RECIPES = {recipe.name: recipe for recipe in (FOUR, ZERO_POINT, GROUPS, TERNARY)}


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adaround, "_STEPS", 500)


def correlated(count: int, seed: int = 1) -> Array:
    """Samples of few patterns, and some noise: where every element is independent of all others, the nearest is the best."""
    patterns = np.random.default_rng(0).normal(size=(4, *SHAPE))
    random = np.random.default_rng(seed)
    mixed = np.tensordot(random.normal(size=(count, 4)), patterns, 1) / 2 + random.normal(0, 0.1, (count, *SHAPE))
    return mixed.astype(np.float32)


def layers(recipe: Recipe) -> list[Layer]:
    """The layers of the small network as steps meet them, nothing changed."""
    found = improved(network(), {"x": correlated(128)}, recipe, QuantizeOptions())
    seen: list[Layer] = []

    def note(layer: Layer) -> Layer:
        seen.append(layer)
        return layer

    refine(found.simple, found.formats, {"x": correlated(128)}, [note])
    return seen


def steps(layer: Layer, w: Array) -> Array:
    """Weights in steps of their scales."""
    assert layer.format is not None and isinstance(layer.format.output, QType)
    return np.asarray(w / spread(layer.format.output.scale, layer.format.output, w.shape, np.dtype(np.float32)))


def loss(layer: Layer, w: Array) -> Array:
    """The mean squared error of each channel's results on all sums."""
    op, types = layer.node.op, layer.types
    (found,), (wanted,) = op.ref(types, layer.x, w, layer.wanted_b), op.ref(types, layer.wanted_x, layer.wanted_w, layer.wanted_b)
    return np.asarray(((found - wanted) ** 2).reshape(-1, found.shape[-1]).mean(0))


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_each_weight_is_one_of_the_two_codes_beside_it(recipe: Recipe) -> None:
    for layer in layers(recipe):
        after = rounded(layer, seed=0)
        q = layer.format.output if layer.format else None
        assert isinstance(q, QType)
        assert np.array_equal(after.w, after.quantized_w), "what was learned is what the quantizer gives"
        low, high = (bound - spread(q.zero, q, layer.w.shape, np.dtype(np.int64)) for bound in (q.min, q.max))
        exact, found = steps(layer, layer.w), np.rint(steps(layer, after.w))
        beside = (found == np.clip(np.floor(exact), low, high)) | (found == np.clip(np.floor(exact) + 1, low, high))
        assert beside.all()
        assert (found != np.clip(np.rint(exact), low, high)).any(), "some are not the nearest"


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_no_channel_is_worse_than_rounded_to_the_nearest(recipe: Recipe) -> None:
    """All sums of so few samples are drawn; float32 adds them in another order. What comes in is noisy too, so not all layers gain much."""
    shares: dict[str, float] = {}
    for layer in layers(recipe):
        before, after = loss(layer, layer.quantized_w), loss(layer, rounded(layer, seed=0).w)
        assert (after <= before * 1.0001).all()
        shares[layer.node.name] = float(after.sum() / before.sum())
    assert max(shares.values()) < 1 and min(shares.values()) < 0.8, shares


def test_the_seed_decides() -> None:
    layer = layers(FOUR)[0]
    first, same, other = (rounded(layer, seed=seed).w for seed in (0, 0, 1))
    assert np.array_equal(first, same) and not np.array_equal(first, other)


def test_whole_weights_stay() -> None:
    layer = layers(FOUR)[0]
    whole = replace(layer, w=layer.quantized_w, wanted_w=layer.quantized_w)
    assert np.array_equal(rounded(whole, seed=0).w, layer.quantized_w)


def test_other_formats_stay() -> None:
    layer = layers(FOUR)[0]
    bipolar = FakeQuantize(QType(1, bipolar=True, scale=(0.5,)), Rounding.HALF_AWAY)
    for format in (None, bipolar):
        other = replace(layer, format=format)
        assert rounded(other, seed=0) is other


def test_what_is_learned_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the choice between both roundings a network that was trained to be bad would be taken."""
    layer = layers(FOUR)[0]
    monkeypatch.setattr(adaround, "_learned", lambda problem, plain, random: problem.rounded(1.0 - (problem.steps % 1).round()))
    assert layer.format is not None and isinstance(layer.format.output, QType)
    nearest = encode(layer.w, layer.format.output, Rounding.HALF_AWAY)
    assert np.array_equal(encode(rounded(layer, seed=0).w, layer.format.output, Rounding.HALF_AWAY), nearest)


@pytest.mark.parametrize("recipe", [FOUR, load("w4a8")], ids=["four", "w4a8"])
def test_four_bits_lose_much_less(recipe: Recipe) -> None:
    """On samples that it was not made with."""
    x, test = correlated(256), correlated(256, seed=2)
    wanted = run(network(), {"x": test})["out"]
    found = []
    for options in (QuantizeOptions(Calibration.MSE), QuantizeOptions(Calibration.MSE, improve=(Improvement.ADAROUND,))):
        graph = quantize(network(), {"x": x}, recipe, options)
        found.append(decibels(wanted, run(graph, {"x": test})[graph.outputs[0].value]))
    assert found[1] > found[0] + 3, found
