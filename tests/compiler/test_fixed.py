"""Integer rounding: the Python against exact fractions, and the C against the Python."""
from __future__ import annotations

import math
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapeout.compiler import fixed
from tapeout.compiler.fixed import INT32_MAX, INT32_MIN, Rounding
from tapeout.targets.c.target import KERNELS
from tests.targets.matrix import SANITIZE, STRICT

INT32 = st.integers(INT32_MIN, INT32_MAX)
PLAIN = [r for r in Rounding if r is not Rounding.TFLITE]


def rounded(value: Fraction, rounding: Rounding) -> int:
    """The rounding rules in words of exact arithmetic."""
    match rounding:
        case Rounding.HALF_UP:
            return math.floor(value + Fraction(1, 2))
        case Rounding.HALF_AWAY:
            return int(math.copysign(1, value)) * math.floor(abs(value) + Fraction(1, 2))
        case Rounding.HALF_EVEN:
            return round(value)
        case _:
            return math.floor(value)


def tflite(x: int, mul: int, shift: int) -> int:
    """The double rounding: to 31 bits of fraction, where a tie goes up unless it is a negative integer's, then by the rest."""
    product = Fraction((x << max(31 - shift, 0)) * mul, 1 << 31)
    high = math.floor(product + Fraction(1, 2)) if product >= 0 else math.ceil(product - Fraction(1, 2) + Fraction(1, 1 << 31))
    return rounded(Fraction(high, 1 << max(shift - 31, 0)), Rounding.HALF_AWAY)


@pytest.mark.parametrize("rounding", PLAIN)
@given(x=st.integers(-(1 << 61), 1 << 61) | st.integers(-300, 300), shift=st.integers(0, 61))
def test_shift_right(rounding: Rounding, x: int, shift: int) -> None:
    assert int(fixed.shift_right(x, shift, rounding)) == rounded(Fraction(x, 1 << shift), rounding)


@pytest.mark.parametrize("rounding", PLAIN)
@given(x=INT32 | st.integers(-50, 50), by=st.integers(1, 1 << 20) | st.integers(1, 9))
def test_divide(rounding: Rounding, x: int, by: int) -> None:
    assert int(fixed.divide(x, by, rounding)) == rounded(Fraction(x, by), rounding)


@pytest.mark.parametrize("rounding", PLAIN)
@given(x=INT32 | st.integers(-300, 300), mul=st.integers(0, INT32_MAX) | st.just(1 << 30), shift=st.integers(1, 62))
def test_requantize(rounding: Rounding, x: int, mul: int, shift: int) -> None:
    assert int(fixed.requantize(x, mul, shift, rounding)) == rounded(Fraction(x * mul, 1 << shift), rounding)


@given(x=INT32 | st.integers(-300, 300), mul=st.integers(0, INT32_MAX) | st.just(1 << 30), shift=st.integers(1, 62))
def test_requantize_tflite(x: int, mul: int, shift: int) -> None:
    x >>= max(31 - shift, 0)
    assert int(fixed.requantize(x, mul, shift, Rounding.TFLITE)) == tflite(x, mul, shift)


def test_the_double_rounding_differs_from_the_single_one() -> None:
    x = np.arange(-4000, 4000)
    double, single = (fixed.requantize(x, 1518500250, 33, r) for r in (Rounding.TFLITE, Rounding.HALF_UP))
    assert (double != single).any()


@given(real=st.floats(2.0**-32, 2.0**30 - 0.25, exclude_max=True) | st.floats(0, 1e-300))
def test_multiplier(real: float) -> None:
    mul, shift = fixed.multiplier(real)
    if mul == 0:
        assert shift == 31 and real < 2.0**-31
    else:
        assert 1 << 30 <= mul <= INT32_MAX and 1 <= shift <= 62
        assert abs(Fraction(mul, 1 << shift) / Fraction(real) - 1) <= Fraction(1, 1 << 31)


@pytest.mark.parametrize(("real", "expected"), [(1.0, (1 << 30, 30)), (0.5, (1 << 30, 31)), (0.0, (0, 31)), (1 - 2.0**-40, (1 << 30, 30))])
def test_multiplier_of_known_values(real: float, expected: tuple[int, int]) -> None:
    assert fixed.multiplier(real) == expected


@pytest.mark.parametrize("real", [-1.0, math.nan, math.inf, 2.0**30, 2.0**30 - 0.25])
def test_multiplier_refuses(real: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        fixed.multiplier(real)


@given(st.floats(-1e9, 1e9, width=32))
def test_round_half_away(x: float) -> None:
    assert fixed.round_half_away(np.array([x], np.float32))[0] == rounded(Fraction(x), Rounding.HALF_AWAY)


_HARNESS = """\
#include "fixed.h"
#include <stdio.h>
int main(void)
{
    int64_t row[4];
    while (fread(row, sizeof row[0], 4, stdin) == 4) {
        int64_t result = 0;
        %s
        fwrite(&result, sizeof result, 1, stdout);
    }
    return 0;
}
"""
Vectors = tuple[str, list[tuple[int, int, int, int]], Callable[[int, int, int, int], int]]
MODES = list(Rounding)


def vectors(function: str) -> Vectors:
    """The C expression over `row`, its inputs and the Python function for the same row."""
    rng = np.random.default_rng(5)
    x32 = [*(int(v) for v in rng.integers(INT32_MIN, INT32_MAX, 300)), *range(-40, 41), INT32_MIN, INT32_MAX]
    plain = [i for i, r in enumerate(MODES) if r is not Rounding.TFLITE]
    if function == "shift_right":
        rows = [(x << int(rng.integers(0, 30)), int(s), m, 0) for x in x32 for m in plain for s in rng.integers(0, 62, 3)]
        return ("result = shift_right(row[0], (int32_t)row[1], (rounding)row[2]);", rows,
                lambda x, s, m, _: int(fixed.shift_right(x, s, MODES[m])))
    if function == "divide":
        rows = [(x, int(d), m, 0) for x in x32 for m in plain for d in (1, 2, 3, 4, 9, 48, *rng.integers(1, 1 << 20, 2))]
        return ("result = divide((int32_t)row[0], (int32_t)row[1], (rounding)row[2]);", rows,
                lambda x, d, m, _: int(fixed.divide(x, d, MODES[m])))
    if function == "requantize":
        rows = []
        for x in x32:
            for mode in range(len(MODES)):
                for shift in (1, 8, 29, 30, 31, 32, 38, 62):
                    fitting = x >> max(31 - shift, 0)
                    rows += [(fitting, int(mul), shift, mode) for mul in (0, 1 << 30, INT32_MAX, rng.integers(1 << 30, INT32_MAX))]
        return ("result = requantize((int32_t)row[0], (int32_t)row[1], (int32_t)row[2], (rounding)row[3]);", rows,
                lambda x, mul, shift, mode: int(fixed.requantize(x, mul, shift, MODES[mode])))
    if function == "doubling_high_multiply":
        rows = [(a, b, 0, 0) for a in x32 for b in (0, 1, -1, INT32_MAX, *map(int, rng.integers(INT32_MIN + 1, INT32_MAX, 5)))]
        return ("result = doubling_high_multiply((int32_t)row[0], (int32_t)row[1]);", rows,
                lambda a, b, *_: int(fixed.doubling_high_multiply(a, b)))
    rows = [(x, s, 0, 0) for x in x32 for s in range(32)]
    return ("result = shift_right_half_away((int32_t)row[0], (int32_t)row[1]);", rows,
            lambda x, s, *_: int(fixed.shift_right(x, s, Rounding.HALF_AWAY)))


@pytest.mark.parametrize("function", ["shift_right", "divide", "requantize", "doubling_high_multiply", "shift_right_half_away"])
def test_c_equals_python(function: str, tmp_path: Path) -> None:
    statement, rows, python = vectors(function)
    (tmp_path / "harness.c").write_text(_HARNESS % statement)
    command = ["gcc", *STRICT, *SANITIZE, f"-I{KERNELS}", "harness.c", "-o", "harness"]
    subprocess.run(command, cwd=tmp_path, check=True)
    done = subprocess.run(["./harness"], cwd=tmp_path, check=True, input=np.array(rows, np.int64).tobytes(), capture_output=True)
    assert np.frombuffer(done.stdout, np.int64).tolist() == [python(*row) for row in rows]


@pytest.mark.parametrize("bits", [1, 8, 15, 24, 31])
def test_multipliers_of_fewer_bits(bits: int) -> None:
    for real in (1e-9, 0.3, 0.5, 0.75 * 2.0 ** (bits - 2)):
        mul, shift = fixed.multiplier(real, bits)
        assert 1 << (bits - 1) <= mul < 1 << bits
        assert 1 <= shift <= 62
        assert abs(mul / 2.0**shift - real) <= 2.0 ** (-shift - 1)
    assert fixed.multiplier(2.0**-80, bits) == (0, bits)
    with pytest.raises(ValueError, match="is outside 0"):
        fixed.multiplier(2.0 ** (bits - 1), bits)
