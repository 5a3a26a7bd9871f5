"""A split slope gives the codes of the rounding itself, at every sum; where it cannot, there is none."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tapeout.compiler.fixed import Int, Rounding, requantize
from tapeout.compiler.ir import QType
from tapeout.compiler.ops.requant import Requant
from tapeout.targets.split_slope import SplitSlope, split_slope

CHANNELS = 24
LOW, HIGH = np.full(CHANNELS, -150_000), np.full(CHANNELS, 151_000)
SUMS = np.broadcast_to(np.arange(-150_000, 151_001), (CHANNELS, 301_001))


def multipliers(seed: int, least: int = 36, most: int = 40) -> tuple[Int, Int]:
    random = np.random.default_rng(seed)
    mul = random.integers(1 << 30, 1 << 31, CHANNELS)
    mul[:3] = (1 << 30, (1 << 31) - 1, 3 << 29)
    return mul, random.integers(least, most + 1, CHANNELS)


def codes(requant: Requant, mul: Int, shift: Int) -> Int:
    scaled = requantize(SUMS, mul[:, np.newaxis], shift[:, np.newaxis], requant.rounding)
    return np.asarray(np.clip(scaled + requant.output.zero[0], requant.lo, requant.hi))


def in_words(words: Int, bent: bool) -> Int:
    """What the C twin computes of the sums by a channel's words, each step in 32 bits."""
    numbers = [words.view(np.uint32)[:, [i]] for i in range(words.shape[1])]
    least, most, whole, fraction = numbers[:4]
    difference = SUMS.astype(np.uint32) - least
    u = np.minimum(np.where(difference.view(np.int32) < 0, np.uint32(0), difference), most)
    add = np.where(u < numbers[4], numbers[5], numbers[6]) if bent else numbers[4]
    line = u * whole + ((u >> np.uint32(4)) * fraction >> np.uint32(12)) + add
    return np.asarray((line >> np.uint32(24)).astype(np.int8).astype(np.int64))


@pytest.mark.parametrize(
    "requant",
    [
        Requant(QType(zero=(-128,)), Rounding.TFLITE),
        Requant(QType(zero=(-20,)), Rounding.TFLITE, -20, 90),
        Requant(QType(zero=(4,)), Rounding.TFLITE),
        Requant(QType(zero=(5,)), Rounding.HALF_UP),
        Requant(QType(zero=(127,)), Rounding.FLOOR, -128, 100),
    ],
    ids=lambda r: f"{r.rounding}_{r.output.zero[0]}",
)
@pytest.mark.parametrize("most", [37, 39, 41, 60])
def test_codes_are_those_of_the_rounding(requant: Requant, most: int) -> None:
    mul, shift = multipliers(most, most=most)
    found = split_slope(requant, mul, shift, LOW, HIGH)
    assert isinstance(found, SplitSlope)
    wanted = codes(requant, mul, shift)
    assert np.array_equal(found.codes(SUMS), wanted)
    assert np.array_equal(in_words(found.words(np.zeros(CHANNELS, np.int64)), found.bent), wanted)
    for name in ("least", "most", "whole", "add"):
        wrong = replace(found, **{name: getattr(found, name) - (1 << 22 if name == "add" else 1)})
        assert not np.array_equal(wrong.codes(SUMS), wanted), f"the sums notice another {name}"


def test_only_halves_that_go_away_from_zero_bend() -> None:
    mul, shift = multipliers(7)
    for requant, bent in (
        (Requant(QType(zero=(4,)), Rounding.TFLITE), True), (Requant(QType(zero=(-128,)), Rounding.TFLITE), False),
        (Requant(QType(zero=(4,))), False),
    ):  # fmt: skip
        found = split_slope(requant, mul, shift, LOW, HIGH)
        assert isinstance(found, SplitSlope) and found.bent is bent


def test_where_sums_start_is_a_part_of_the_words() -> None:
    mul, shift = multipliers(3)
    found = split_slope(Requant(QType(zero=(-9,))), mul, shift, LOW, HIGH)
    assert isinstance(found, SplitSlope)
    start = np.arange(CHANNELS) * 1000
    first = found.words(np.zeros(CHANNELS, np.int64))
    assert np.array_equal(found.words(start)[:, 0], first[:, 0] - start) and np.array_equal(found.words(start)[:, 1:], first[:, 1:])


def test_what_has_no_such_form() -> None:
    mul, shift = multipliers(0)
    assert split_slope(Requant(QType()), -mul, shift, LOW, HIGH) == "a negative multiplier"
    assert split_slope(Requant(QType(), Rounding.HALF_EVEN), mul, shift, LOW, HIGH) == "codes of channel 0 that begin on no line"
    far = np.full(CHANNELS, 1 << 27)
    assert split_slope(Requant(QType()), mul, np.full(CHANNELS, 48), -far, far) == "codes of channel 0 that begin on no line"


def test_nothing_to_tell_apart() -> None:
    """A single code, sums that all have the same, and a multiplier of nothing."""
    mul, shift = multipliers(1)
    none = np.zeros(CHANNELS, np.int64)
    for requant, factor, reach in ((Requant(QType(zero=(3,)), lo=3, hi=3), mul, LOW), (Requant(QType(zero=(3,))), mul, none),
                                   (Requant(QType(zero=(3,))), none, LOW)):
        found = split_slope(requant, factor, shift, reach, -reach)
        assert isinstance(found, SplitSlope)
        assert (found.codes(np.stack([reach, -reach], axis=1)) == 3).all()
