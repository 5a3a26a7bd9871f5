"""16-bit floats: roundings and the fused multiply-add against fractions, and the same bits from C."""
from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.f16 import Half, fma_f16, narrow, widen
from tapeout.compiler.ir import BF16, F16, F32, Array, FType, Type
from tapeout.compiler.ops.dense import Dense
from tapeout.targets.c.target import KERNELS

BITS = np.arange(1 << 16, dtype=np.uint16)
PRECISION = {F16: (11, -14, 15), BF16: (8, -126, 127)}  # bits, least and greatest exponent of a normal number

PROGRAM = """\
#include "f16.h"
#include <stdio.h>

int main(void)
{
    float x[3];
    while (fread(x, sizeof x, 1, stdin) == 1) {
        const float fused = fma_f16(round_to_f16(x[0]), round_to_f16(x[1]), round_to_f16(x[2]));
        const uint16_t y[3] = {f16_of_float(x[0]), bf16_of_float(x[0]), f16_of_float(fused)};
        const float wide[2] = {float_of_f16(y[0]), float_of_bf16(y[1])};
        fwrite(y, sizeof y, 1, stdout);
        fwrite(wide, sizeof wide, 1, stdout);
    }
    return 0;
}
"""


def nearest(exact: Fraction, q: FType) -> float:
    """The number of a format that is nearest to a fraction, the even one of two; 0 stands for both zeros."""
    bits, least, greatest = PRECISION[q]
    if exact == 0:
        return 0.0
    magnitude = abs(exact)
    exponent = max(least, magnitude.numerator.bit_length() - magnitude.denominator.bit_length() - 1)
    while magnitude >= Fraction(2) ** (exponent + 1):
        exponent += 1
    unit = Fraction(2) ** (exponent - bits + 1)
    rounded = round(magnitude / unit) * unit  # round() of a Fraction is half to even
    value = float("inf") if rounded >= Fraction(2) ** (greatest + 1) else float(rounded)
    return -value if exact < 0 else value


def floats(count: int) -> Array:
    """Float32 numbers: midpoints of neighbours in both formats, with what lies next to them, and bit patterns of all exponents."""
    rng = np.random.default_rng(5)
    halves, brains = (BITS.view(q.dtype).astype(np.float64) for q in (F16, BF16))
    with np.errstate(all="ignore"):
        middles = np.concatenate([(x + np.roll(x, -1)) / 2 for x in (halves, brains)] + [[65519.999, 65520.0]]).astype(np.float32)
    bits = middles[np.isfinite(middles)].view(np.uint32)
    return np.concatenate([bits - 1, bits, bits + 1, rng.integers(0, 1 << 32, count, dtype=np.uint32)]).view(np.float32)


def triples(count: int) -> tuple[Half, Half, Half]:
    """Operands of a multiply-add whose product lies near the sum, near half of its last place, or far from both."""
    rng = np.random.default_rng(6)
    x, w = (rng.integers(0, 1 << 16, count, dtype=np.uint16).view(np.float16) for _ in range(2))
    with np.errstate(all="ignore"):
        product = (x.astype(np.float64) * w).astype(np.float64)
        shift = rng.choice([0, 1, 10, 11, 12, 20, 24, 40], count)
        total = (-product * 2.0**shift * rng.choice([-1, 1], count)).astype(np.float16)
    total = np.where(rng.random(count) < 0.2, rng.integers(0, 1 << 16, count, dtype=np.uint16).view(np.float16), total)
    return x, w, total


@pytest.mark.parametrize("q", [F16, BF16], ids=lambda q: q.code)
def test_narrow_is_nearest_even(q: FType) -> None:
    x = floats(20_000)
    x = np.random.default_rng(1).choice(x[np.isfinite(x)], 40_000)
    found = widen(narrow(x, q))
    assert [float(a) for a in found] == [nearest(Fraction(float(a)), q) for a in x]
    assert (np.signbit(found) == np.signbit(x)).all()


@pytest.mark.parametrize("q", [F16, BF16], ids=lambda q: q.code)
def test_every_number_is_its_own_nearest(q: FType) -> None:
    x = BITS.view(q.dtype)
    same = narrow(widen(x), q).view(np.uint16) == BITS
    assert (same | np.isnan(x)).all()


def test_fma_rounds_once() -> None:
    x, w, total = triples(60_000)
    found = fma_f16(x, w, total)
    finite = np.isfinite(x) & np.isfinite(w) & np.isfinite(total)
    assert finite.sum() > 30_000
    operands = zip(x[finite], w[finite], total[finite], strict=True)
    exact = [Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c)) for a, b, c in operands]
    assert [float(y) for y in found[finite]] == [nearest(e, F16) for e in exact]
    with np.errstate(all="ignore"):
        separate = (x * w + total)[finite]
    assert (separate != found[finite]).any(), "the triples tell a fused multiply-add from two roundings"


def test_signs_of_zeros_and_special_values() -> None:
    tiny, inf = 2.0**-24, np.inf
    cases = [(-tiny, tiny, 0.0), (0.0, tiny, -0.0), (-tiny, tiny, tiny), (inf, 0.0, 0.0), (inf, tiny, -inf), (6e4, 2.0, 0.0)]
    x, w, total = (np.array(column, np.float16) for column in zip(*cases, strict=True))
    found = fma_f16(x, w, total)
    assert np.signbit(found[:2]).tolist() == [True, False] and found[:2].tolist() == [0, 0]
    assert found[2] == tiny and np.isnan(found[3:5]).all() and found[5] == inf


@pytest.mark.parametrize("optimization", ["-O0", "-O3"])
def test_c_has_the_same_bits(optimization: str, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(PROGRAM)
    flags = ["-std=c99", optimization, "-ffp-contract=off", "-Wall", "-Wextra", "-Wconversion", "-Werror", f"-I{KERNELS}"]
    subprocess.run(["gcc", *flags, "main.c", "-o", "main"], cwd=tmp_path, check=True)
    x, w, total = triples(500_000)
    rows = np.concatenate([np.stack([widen(a) for a in (x, w, total)], axis=1), np.repeat(floats(500_000)[:, None], 3, axis=1)])
    found = subprocess.run([tmp_path / "main"], input=rows.tobytes(), stdout=subprocess.PIPE, check=True).stdout
    columns = np.frombuffer(found, [("f16", "<f2"), ("bf16", BF16.dtype), ("fused", "<f2"), ("wide", "<f4", 2)])
    operands = (narrow(column, F16) for column in rows.T)
    expected = {"f16": narrow(rows[:, 0], F16), "bf16": narrow(rows[:, 0], BF16), "fused": fma_f16(*operands)}
    for name, array in expected.items():
        differs = (columns[name].view(np.uint16) != array.view(np.uint16)) & ~(np.isnan(columns[name]) & np.isnan(array))
        assert not differs.any(), f"{name}: {differs.sum()} differ, first at {rows[differs][0]}"
    for i, name in enumerate(("f16", "bf16")):
        wide = widen(columns[name])
        assert ((columns["wide"][:, i].view(np.uint32) == wide.view(np.uint32)) | np.isnan(wide)).all()


@pytest.mark.parametrize(("q", "bias", "accumulator", "words"), [
    (BF16, F32, F16, "sums of bf16 operands in f16 are undefined; sum in f32"),
    (F32, F32, BF16, "sums of f32 operands in bf16 are undefined; sum in f32"),
    (F16, F16, F32, "sums in f32 take a bias in f32, got f16"),
    (F16, F32, F16, "sums in f16 take a bias in f16, got f32"),
])  # fmt: skip
def test_contracts_that_are_none(q: FType, bias: FType, accumulator: FType, words: str) -> None:
    with pytest.raises(TapeoutError, match=words):
        Dense(accumulator=accumulator).infer((Type((1, 3), q), Type((2, 3), q), Type((2,), bias)))
