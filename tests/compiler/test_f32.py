"""exp, log, sigmoid and tanh in float32: their error, their special values, and the same bits from C."""
from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.f32 import EXP_MAX, EXP_MIN, exp_f32, log_f32, sigmoid_f32, tanh_f32
from tapeout.compiler.ir import Array
from tapeout.compiler.ops.sigmoid import Sigmoid
from tapeout.targets.c.target import KERNELS

INF = float("inf")
LOG_ERROR = 1.97  # units in the last place, of all numbers from 1 on
SMALLEST = np.float32(2.0**-149)
FUNCTIONS = (exp_f32, sigmoid_f32, tanh_f32, log_f32)

PROGRAM = """\
#include "f32.h"
#include <stdio.h>

int main(void)
{
    uint32_t bits;
    while (fread(&bits, sizeof bits, 1, stdin) == 1) {
        const float x = float_of_bits(bits);
        const float y[4] = {exp_scalar(x), sigmoid_scalar(x), tanh_scalar(x), log_scalar(x)};
        fwrite(y, sizeof y, 1, stdout);
    }
    return 0;
}
"""


def patterns(count: int) -> Array:
    """Float32 numbers: bit patterns of every exponent and sign, each function's seams, the ranges where exp is
    finite and where tanh is a polynomial."""
    rng = np.random.default_rng(7)
    seams = np.array([0.0, 1.0, 0.55, 9.0, 0.34657359, 17.0, float(EXP_MAX), float(EXP_MIN), -87.33655, 3.4e38], np.float32)
    near = (seams.view(np.uint32)[:, None] + np.arange(-300, 300)).astype(np.uint32).ravel()
    special = np.array([0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00001, 0x7F800001, 0xFFFFFFFF, 1, 0x80000001, 0x7FFFFF, 0x80000000])
    bits = np.concatenate([
        np.arange(0, 1 << 32, (1 << 32) // count, dtype=np.uint64),
        near, near ^ np.uint32(1 << 31), special,
        rng.uniform(-104, 89, count).astype(np.float32).view(np.uint32),
        rng.uniform(-0.6, 0.6, count).astype(np.float32).view(np.uint32),
    ]).astype(np.uint32)
    return bits.view(np.float32)


def units_off(y: Array, exact: Array) -> Array:
    """The distance from a float64 result in units in the last place of float32, where that is finite."""
    with np.errstate(all="ignore"):
        _, exponent = np.frexp(exact)
        off = np.abs(y.astype(np.float64) - exact) / np.ldexp(1.0, np.maximum(exponent, -125) - 24)
        return np.where(np.isfinite(exact.astype(np.float32)), off, 0)


@pytest.mark.parametrize(("function", "real", "limit"), [
    (exp_f32, np.exp, 0.99), (sigmoid_f32, Sigmoid().real, 2.41), (tanh_f32, np.tanh, 1.46),
], ids=["exp", "sigmoid", "tanh"])
def test_the_error_is_at_most_what_is_stated(function: Callable[[Array], Array], real: Callable[[Array], Array], limit: float) -> None:
    x = patterns(1_000_000)
    x = x[~np.isnan(x)]
    with np.errstate(all="ignore"):
        exact = real(x.astype(np.float64))
        overflows = ~np.isfinite(exact.astype(np.float32))
    y = function(x)
    assert y.dtype == np.float32
    off = units_off(y, exact)
    assert off.max() <= limit, f"{off.max()} at {float(x[off.argmax()]).hex()}"
    assert np.isinf(y[overflows]).all()


def test_the_error_of_log_is_at_most_what_is_stated() -> None:
    x = np.concatenate([patterns(1_000_000), np.linspace(1, 4096, 1_000_000, dtype=np.float32)])
    x = x[(x >= 1) & (x < INF)]
    off = units_off(log_f32(x), np.log(x.astype(np.float64)))
    assert off.max() <= LOG_ERROR, f"{off.max()} at {float(x[off.argmax()]).hex()}"


def test_log_of_what_is_no_sum_of_exponentials_is_nan() -> None:
    assert np.isnan(log_f32(np.array([0.999, 0.0, -1.0, INF, -INF], np.float32))).all()


@pytest.mark.parametrize(("function", "x", "y"), [
    (exp_f32, 0.0, 1.0), (exp_f32, -0.0, 1.0), (exp_f32, INF, INF), (exp_f32, -INF, 0.0), (exp_f32, SMALLEST, 1.0),
    (exp_f32, np.nextafter(EXP_MAX, np.float32(INF)), INF), (exp_f32, EXP_MAX, float.fromhex("0x1.ffff08p+127")),
    (exp_f32, EXP_MIN, SMALLEST), (exp_f32, np.nextafter(EXP_MIN, np.float32(-INF)), 0.0),
    (sigmoid_f32, 0.0, 0.5), (sigmoid_f32, -0.0, 0.5), (sigmoid_f32, INF, 1.0), (sigmoid_f32, -INF, 0.0), (sigmoid_f32, -200.0, 0.0),
    (tanh_f32, 0.0, 0.0), (tanh_f32, -0.0, -0.0), (tanh_f32, INF, 1.0), (tanh_f32, -INF, -1.0),
    (tanh_f32, SMALLEST, SMALLEST), (tanh_f32, -SMALLEST, -SMALLEST), (tanh_f32, 3e38, 1.0),
], ids=lambda v: v.__name__ if callable(v) else str(v))
def test_special_values(function: Callable[[Array], Array], x: float, y: float) -> None:
    assert function(np.array([x], np.float32)).view(np.uint32) == np.array([y], np.float32).view(np.uint32)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_nan_becomes_one(function: Callable[[Array], Array]) -> None:
    bits = np.array([0x7FC00000, 0xFFC00000, 0x7F800001, 0xFFFFFFFF], np.uint32)
    assert function(bits.view(np.float32)).view(np.uint32).tolist() == [0x7FC00000] * 4


@pytest.mark.parametrize("optimization", ["-O0", "-O3"])
def test_c_has_the_same_bits(optimization: str, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(PROGRAM)
    flags = ["-std=c99", optimization, "-ffp-contract=off", "-Wall", "-Wextra", "-Wconversion", "-Werror", f"-I{KERNELS}"]
    subprocess.run(["gcc", *flags, "main.c", "-o", "main"], cwd=tmp_path, check=True)
    x = patterns(700_000)
    found = subprocess.run([tmp_path / "main"], input=x.tobytes(), stdout=subprocess.PIPE, check=True).stdout
    columns = np.frombuffer(found, np.uint32).reshape(-1, 4).T
    for function, column in zip(FUNCTIONS, columns, strict=True):
        differs = column != function(x).view(np.uint32)
        assert not differs.any(), f"{function.__name__}: {differs.sum()} differ, first at {float(x[differs][0]).hex()}"
