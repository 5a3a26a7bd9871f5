"""The high word of a product gives the codes of the rounding itself, at every threshold and beyond."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.fixed import Int, Rounding, requantize
from tapeout.compiler.ir import Builder, Graph, Node, Port, QType, Type, verify
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant
from tapeout.targets.high_word import HighWord, high_word

CHANNELS = 40


def layer(rounding: Rounding, zero: int, mul: Int, shift: Int, weight: int = 127) -> tuple[Graph, Node, Requant]:
    """A dense layer whose sums reach 64 * 128 * |weight|."""
    build = Builder()
    build.input("x", Type((1, 64), QType(zero=(0,))))
    w = build.constant("w", np.full((CHANNELS, 64), weight, np.int8))
    constants = [build.constant(n, a.astype(t)) for n, a, t in (("mul", mul, np.int32), ("shift", shift, np.int8))]
    requant = Requant(QType(zero=(zero,)), rounding)
    build.add(Dense(requant), ("x", w, "", *constants), "y")
    ports = [Port(n, n, "int8", (0, 1)) for n in ("x", "y")]
    graph = verify(Graph("net", (ports[0],), (ports[1],), tuple(build.nodes), build.values))
    return graph, graph.nodes[0], requant


def multipliers(seed: int, least: int = 33) -> tuple[Int, Int]:
    random = np.random.default_rng(seed)
    mul = random.integers(1 << 30, 1 << 31, CHANNELS)
    mul[:4] = (1 << 30, (1 << 31) - 1, 1 << 30, 3 << 29)
    return mul, random.integers(least, 46, CHANNELS)


def computed(form: HighWord, sums: Int) -> Int:
    """What the C twin computes of sums (C, N)."""
    mul, add, shift = (a.astype(np.int64)[:, np.newaxis] for a in (form.mul, form.add, form.shift))
    if form.doubled:
        doubled = 2 * sums
        scaled = ((doubled * mul + (1 << 31)) >> 32) + add + (doubled >> 31)
    else:
        scaled = ((sums * mul) >> 32) + add
    assert np.abs(scaled).max() < 1 << 31
    return np.asarray(np.clip(scaled >> shift, -128, 127))


def around_thresholds(mul: Int, shift: Int) -> Int:
    """Sums about every half step of the result, and random ones (C, N); none beyond what the layer's weights can give."""
    halves = np.arange(-520, 521) / 2
    near = np.rint(halves * 2.0 ** shift[:, np.newaxis] / mul[:, np.newaxis])
    every = near[:, :, np.newaxis] + np.arange(-3, 4)
    random = np.random.default_rng(0).integers(-(1 << 19), 1 << 19, (CHANNELS, 500))
    sums = np.concatenate([every.reshape(CHANNELS, -1).astype(np.int64), random], axis=1)
    return np.asarray(np.clip(sums, -64 * 128 * 127, 64 * 128 * 127))


@pytest.mark.parametrize("zero", [-128, 0, 5, 127])
@pytest.mark.parametrize("rounding", [Rounding.HALF_UP, Rounding.TFLITE, Rounding.FLOOR])
@pytest.mark.parametrize("seed", range(4))
def test_codes_are_those_of_the_rounding(seed: int, rounding: Rounding, zero: int) -> None:
    mul, shift = multipliers(seed)
    form = high_word(*layer(rounding, zero, mul, shift), CHANNELS)
    assert isinstance(form, HighWord)
    sums = around_thresholds(mul, shift)
    wanted = np.clip(requantize(sums, mul[:, np.newaxis], shift[:, np.newaxis], rounding) + zero, -128, 127)
    assert np.array_equal(computed(form, sums), wanted)
    wrong = HighWord(form.mul, form.add - 1, form.shift, form.doubled)
    assert not np.array_equal(computed(wrong, sums), wanted), "the sums notice a constant that is off by one"


@pytest.mark.parametrize("rounding", [Rounding.HALF_AWAY, Rounding.HALF_EVEN])
def test_without_ties_the_nearest_code_is_that_of_every_rounding(rounding: Rounding) -> None:
    """Multipliers with so many factors of two that the smallest sums at a tie are beyond the layer's by a bit, and then within."""
    _, shift = multipliers(0)
    reach = 64 * 128 * 127
    factors = shift - 1 - reach.bit_length()
    mul = np.int64(1) << 30 | np.int64(1) << np.minimum(factors, 29)
    form = high_word(*layer(rounding, 5, mul, shift), CHANNELS)
    assert isinstance(form, HighWord)
    sums = np.broadcast_to(np.arange(-reach, reach + 1, 97), (CHANNELS, 2 * reach // 97 + 1))
    wanted = np.clip(requantize(sums, mul[:, np.newaxis], shift[:, np.newaxis], rounding) + 5, -128, 127)
    assert np.array_equal(computed(form, sums), wanted)
    ties = np.int64(1) << 30 | np.int64(1) << np.minimum(factors + 1, 29)
    assert high_word(*layer(rounding, 5, ties, shift), CHANNELS) == f"rounding {rounding} of sums with ties"


def test_what_has_no_such_form() -> None:
    mul, shift = multipliers(0)
    assert high_word(*layer(Rounding.HALF_EVEN, 0, mul, shift), CHANNELS) == "rounding half_even of sums with ties"
    assert high_word(*layer(Rounding.TFLITE, 0, mul, np.full(CHANNELS, 32)), CHANNELS) == "a multiplier of 0.25"
    assert high_word(*layer(Rounding.HALF_UP, 0, mul, np.full(CHANNELS, 32)), CHANNELS) == "a multiplier of 0.25"
    assert high_word(*layer(Rounding.HALF_UP, 127, mul, np.full(CHANNELS, 60)), CHANNELS) == "sums that leave 32 bits on the way"
