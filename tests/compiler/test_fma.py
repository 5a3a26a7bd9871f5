"""The fused multiply-add of float32: against exact fractions, and the same bits from C, by instruction and without."""
from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tapeout.compiler.f32 import fma_f32
from tapeout.compiler.ir import F32, Array
from tapeout.targets.c.target import KERNELS
from tests.compiler.test_f16 import PRECISION, nearest

PRECISION[F32] = (24, -126, 127)
FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
NEAR = st.integers(-4, 4)

PROGRAM = """\
#include "f32.h"
#include <stdio.h>

int main(void)
{
    float x[3];
    while (fread(x, sizeof x, 1, stdin) == 1) {
        const float y = fma_f32(x[0], x[1], x[2]);
        fwrite(&y, sizeof y, 1, stdout);
    }
    return 0;
}
"""


def fused(x: float, w: float, total: float) -> float:
    return float(fma_f32(*(np.array([v], np.float32) for v in (x, w, total)))[0])


@settings(max_examples=300, deadline=None)
@given(x=FINITE, w=FINITE, scale=st.sampled_from([0, 1, 23, 24, 25, 28, 29, 30, 52, 53, 54]), near=NEAR, sign=st.sampled_from([1, -1]))
@example(x=2.0**-75, w=2.0**-75, scale=0, near=0, sign=1)
def test_it_rounds_the_exact_sum_once(x: float, w: float, scale: int, near: int, sign: int) -> None:
    """With a third operand of all sizes beside the product, at which its bits and those of the sum meet."""
    with np.errstate(all="ignore"):
        total = np.float32(sign * x * w * 2.0**scale)
        total = (total.view(np.int32) + np.int32(near)).astype(np.int32).view(np.float32) if np.isfinite(total) else np.float32(0)
    total = total if np.isfinite(total) else np.float32(0)
    assert fused(x, w, float(total)) == nearest(Fraction(x) * Fraction(w) + Fraction(float(total)), F32)


@pytest.mark.parametrize(("x", "w", "total"), [
    (1 + 2.0**-23, 1 + 2.0**-23, 2.0**30), (1 + 2.0**-12, 2.0**-24, 1.0), (1 + 2.0**-23, 2.0**-24, 1.0), (-1 - 2.0**-23, 2.0**-24, 1.0),
    (1 + 2.0**-23, 2.0**-24 * (1 + 2.0**-23), 1 + 2.0**-23), (2.0**-100, 2.0**-49, 2.0**-149), (2.0**-100, 2.0**-50, 2.0**-149),
    (2.0**-100, 2.0**-50 * (1 - 2.0**-24), 2.0**-149), (2.0**-149, -(2.0**-149), 2.0**-126), (2.0**-149, 2.0**-1, 2.0**-126 - 2.0**-149),
], ids=str)
def test_sums_beside_midpoints(x: float, w: float, total: float) -> None:
    assert fused(x, w, total) == nearest(Fraction(x) * Fraction(w) + Fraction(total), F32)


def test_signs_of_zeros() -> None:
    found = fma_f32(*np.array([(0, -1, 0), (0, -1, -0.0), (1, 1, -1), (2.0**-100, -(2.0**-100), 0)], np.float32).T)
    assert found.view(np.uint32).tolist() == [0, 1 << 31, 0, 1 << 31]


def triples(count: int) -> Array:
    """Operands of all exponents, with sums that cancel, lie beside the product's last bits, or far from it."""
    rng = np.random.default_rng(8)
    x, w = (rng.integers(0, 1 << 32, count, dtype=np.uint32).view(np.float32) for _ in range(2))
    with np.errstate(all="ignore"):
        product = x.astype(np.float64) * w
        total = product * 2.0 ** rng.choice([0, 1, 23, 24, 25, 28, 29, 30, 52, 53, 54], count)
        total = (total * rng.choice([-1, 1], count)).astype(np.float32)
        w = np.where(rng.random(count) < 0.3, (2.0**-149 / x.astype(np.float64) * rng.uniform(-4, 4, count)).astype(np.float32), w)
    return np.concatenate([np.stack([x, w, total], axis=1), midpoints(count // 10)])


def midpoints(count: int) -> Array:
    """Operands whose product is half of the last place of the sum, but for 2**-46 of it, which float64 loses: 2**46 + 1 has two factors of
    24 bits, and so has 2**46 - n * n."""
    rng = np.random.default_rng(9)
    n = rng.integers(1, 9, count)
    above = rng.random(count) < 0.5
    x, w = np.where(above, 8392705, 2**23 + n), np.where(above, 8384513, 2**23 - n)
    total = np.ldexp(rng.integers(1 << 23, 1 << 24, count), 47)  # 2**46 is half of its last place
    shift, sign = rng.integers(-60, 10, count), rng.choice([-1.0, 1.0], (2, count))
    return np.stack([np.ldexp(x, shift) * sign[0], w * 1.0, np.ldexp(total, shift) * sign[1]], axis=1).astype(np.float32)


def test_sums_next_to_midpoints_are_not_rounded_twice() -> None:
    operands = midpoints(300)
    twice = (operands[:, 0].astype(np.float64) * operands[:, 1] + operands[:, 2]).astype(np.float32)
    found = fma_f32(*operands.T)
    assert (twice != found).sum() > 100
    exact = [nearest(Fraction(float(x)) * Fraction(float(w)) + Fraction(float(t)), F32) for x, w, t in operands]
    assert found.tolist() == exact


def differing(header: str, flags: tuple[str, ...], folder: Path) -> Array:
    """Operands for which C, by this text of f32.h, gives another number than the definition."""
    (folder / "main.c").write_text(PROGRAM)
    (folder / "f32.h").write_text(header)
    strict = ["-std=c99", "-ffp-contract=off", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    subprocess.run(["gcc", *strict, *flags, "main.c", "-o", "main"], cwd=folder, check=True)
    operands = triples(200_000)
    found = subprocess.run([folder / "main"], input=operands.tobytes(), stdout=subprocess.PIPE, check=True).stdout
    got, expected = np.frombuffer(found, np.float32), fma_f32(*operands.T)
    return np.asarray(operands[(got.view(np.uint32) != expected.view(np.uint32)) & ~(np.isnan(got) & np.isnan(expected))])


@pytest.mark.parametrize("flags", [("-O0",), ("-O3",), ("-O2", "-mfma")], ids=" ".join)
def test_c_has_the_same_bits(flags: tuple[str, ...], tmp_path: Path) -> None:
    assert differing((KERNELS / "f32.h").read_text(), flags, tmp_path).tolist() == []


@pytest.mark.parametrize(("text", "wrong"), [
    ("if (error < 0.0 || error > 0.0)", "if (error < 0.0 && error > 0.0)"),
    ("(error > 0.0) == (sum > 0.0) ? bits + 1u : bits - 1u", "bits + 1u"),
    ("const double product = (double)x * (double)w;", "const double product = (double)(x * w);"),
])
def test_a_mistake_is_noticed(text: str, wrong: str, tmp_path: Path) -> None:
    header = (KERNELS / "f32.h").read_text()
    assert header.count(text) == 1
    assert len(differing(header.replace(text, wrong), ("-O2",), tmp_path))
