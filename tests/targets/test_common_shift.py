"""A common shift gives the codes of the rounding itself, at every sum; where it cannot, there is none."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.fixed import Int, Rounding, requantize
from tapeout.compiler.ir import QType
from tapeout.compiler.ops.requant import Requant
from tapeout.targets.cortexm.common_shift import CommonShift, common_shift

CHANNELS = 24
LARGEST = 9 * 127 * 255  # of a sum of nine products


def multipliers(seed: int, least: int = 36, most: int = 40) -> tuple[Int, Int]:
    random = np.random.default_rng(seed)
    mul = random.integers(1 << 30, 1 << 31, CHANNELS)
    mul[:3] = (1 << 30, (1 << 31) - 1, 3 << 29)
    return mul, random.integers(least, most + 1, CHANNELS)


def form(requant: Requant, mul: Int, shift: Int, weight: int = 127) -> CommonShift | str:
    return common_shift(requant, mul, shift, np.full(CHANNELS, LARGEST), np.full(CHANNELS, weight))


def check(requant: Requant, mul: Int, shift: Int, found: CommonShift) -> None:
    """Every sum."""
    sums = np.broadcast_to(np.arange(-LARGEST, LARGEST + 1), (CHANNELS, 2 * LARGEST + 1))
    scaled = requantize(sums, mul[:, np.newaxis], shift[:, np.newaxis], requant.rounding)
    wanted = np.clip(scaled + requant.output.zero[0], requant.lo, requant.hi)
    assert np.array_equal(np.clip(found.codes(sums), requant.lo, requant.hi), wanted)
    reached = (sums[:, [0, -1]] << found.power[:, np.newaxis]) + found.more[:, np.newaxis]
    assert np.abs(reached).max() < 1 << 31
    assert np.abs(((reached * found.mul[:, np.newaxis]) >> 32) + found.add[:, np.newaxis]).max() < 1 << 31
    assert (127 << found.power).max() < 1 << 15 and found.mul.max() < 1 << 31


@pytest.mark.parametrize(
    "requant",
    [
        Requant(QType(zero=(-128,)), Rounding.TFLITE),
        Requant(QType(zero=(-20,)), Rounding.TFLITE, -20, 90),
        Requant(QType(zero=(5,)), Rounding.HALF_UP),
        Requant(QType(zero=(127,)), Rounding.FLOOR, -128, 100),
    ],
    ids=lambda r: f"{r.rounding}_{r.output.zero[0]}",
)
@pytest.mark.parametrize("most", [36, 40, 50])
def test_codes_are_those_of_the_rounding(requant: Requant, most: int) -> None:
    mul, shift = multipliers(most, most=most)
    found = form(requant, mul, shift)
    assert isinstance(found, CommonShift)
    check(requant, mul, shift, found)
    for name in ("more", "mul", "add", "power"):
        wrong = CommonShift(**{**found.__dict__, name: getattr(found, name) + (1 << 22 if name == "more" else 1)})
        with pytest.raises(AssertionError):
            check(requant, mul, shift, wrong)


def test_what_has_no_such_form() -> None:
    mul, shift = multipliers(0)
    assert form(Requant(QType(zero=(0,)), Rounding.TFLITE), mul, shift) == "rounding tflite with multipliers of no common shift"
    assert form(Requant(QType()), -mul, shift) == "a negative multiplier"
    assert form(Requant(QType()), mul, np.full(CHANNELS, 20)) == "rounding half_up with multipliers of no common shift"
    assert common_shift(Requant(QType()), mul, shift, np.full(CHANNELS, 1 << 31), np.ones(CHANNELS)) == "sums of more than 32 bits"


def test_nothing_to_tell_apart() -> None:
    """A single code, and sums that all have the same."""
    mul, shift = multipliers(1)
    for requant in (Requant(QType(zero=(3,)), lo=3, hi=3), Requant(QType(zero=(3,)))):
        found = common_shift(requant, mul, shift, np.zeros(CHANNELS, np.int64), np.zeros(CHANNELS, np.int64))
        assert isinstance(found, CommonShift)
        assert (np.clip(found.codes(np.zeros((CHANNELS, 1), np.int64)), requant.lo, requant.hi) == 3).all()
