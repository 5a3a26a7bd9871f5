"""The formulas of int8 formats: by hand on corner cases, by hypothesis on the rest."""
from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tapeout.compiler.ir import QType
from tapeout.compiler.ops.clip import Clip
from tapeout.quant.scheme import Range, activation_type, bias_codes, bounds, codes, largest_sum, weight_codes

magnitudes = st.floats(0, 1e6, width=32)


def float32(x: float) -> float:
    return float(np.float32(x))


@pytest.mark.parametrize(
    ("range", "symmetric", "scale", "zero"),
    [
        (Range(0.0, 255.0), False, 1.0, -128),
        (Range(-128.0, 127.0), False, 1.0, 0),
        (Range(-255.0, 0.0), False, 1.0, 127),
        (Range(-0.5, 254.5), False, 1.0, -127),
        (Range(-0.25, 254.75), False, 1.0, -128),
        (Range(0.0, 6.0), False, float32(6 / 255), -128),
        (Range(-1.0, 1.0), False, float32(2 / 255), -1),
        (Range(0.0, 255 / 256), False, 1 / 256, -128),
        (Range(-1.0, 127 / 128), False, 1 / 128, 0),
        (Range(0.0, 127.0), True, 1.0, 0),
        (Range(-254.0, 127.0), True, 2.0, 0),
        (Range(0.0, 0.0), False, 1.0, 0),
        (Range(0.0, 0.0), True, 1.0, 0),
        (Range(-1e-40, 1e-40), False, 1.0, 0),
        (Range(-1e-40, 1e-40), True, 1.0, 0),
    ],
)
def test_activation_type(range: Range, symmetric: bool, scale: float, zero: int) -> None:
    assert activation_type(range, symmetric) == QType(8, True, (scale,), (zero,))


@given(magnitudes, magnitudes, st.booleans())
def test_zero_and_both_ends_are_represented(below: float, above: float, symmetric: bool) -> None:
    assume(below + above > 1e-30)
    q = activation_type(Range(-below, above), symmetric)
    scale, zero = q.scale[0], q.zero[0]
    assert float32(scale) == scale
    assert codes(np.array(0.0), q) == zero
    for real in (-below, above):
        assert abs((int(codes(np.array(real), q)) - zero) * scale - real) <= 0.5001 * scale
    assert not symmetric or zero == 0


def test_range_around_holds_zero() -> None:
    assert Range.around(2.0, 3.0) == Range(0.0, 3.0)
    assert Range.around(-3.0, -2.0) == Range(-3.0, 0.0)


def test_codes_round_ties_away_from_zero_and_saturate() -> None:
    q = QType(8, True, (2.0,), (10,))
    reals = np.array([0.0, 0.99, 1.0, -0.99, -1.0, 3.0, -3.0, 1e9, -1e9, math.inf, -math.inf])
    assert codes(reals, q).tolist() == [10, 10, 11, 10, 9, 12, 8, 127, -128, 127, -128]


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        (None, (-128, 127)),
        (Clip(0.0), (-20, 127)),
        (Clip(0.0, 6.0), (-20, 40)),
        (Clip(hi=-100.0), (-128, -128)),
        (Clip(-1.0, 1.0), (-30, -10)),
    ],
)
def test_bounds_are_the_codes_of_the_clip(clip: Clip | None, expected: tuple[int, int]) -> None:
    assert bounds(clip, QType(8, True, (0.1,), (-20,))) == expected


def test_weights_fill_their_range_in_each_channel() -> None:
    w = np.array([[1.0, -127.0, 0.4], [0.5, -0.25, 0.0]], np.float32)
    found, q = weight_codes(w, None, 1.0, 0)
    assert found.tolist() == [[1, -127, 0], [127, -64, 0]]
    assert q == QType(8, True, (1.0, float32(0.5 / 127)), (0, 0), 0)


@pytest.mark.parametrize(("shape", "axis"), [((3, 2, 2, 4), 0), ((2, 3, 5), 2), ((4, 7), 0)])
def test_weights_are_near_their_codes(shape: tuple[int, ...], axis: int) -> None:
    w = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    found, q = weight_codes(w, None, 0.1, axis)
    assert len(q.scale) == shape[axis] and q.axis == axis
    scale = np.array(q.scale).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    assert np.abs(found * scale - w).max(initial=0) <= scale.max() * 0.5001
    others = tuple(i for i in range(len(shape)) if i != axis)
    assert (np.abs(found.astype(int)).max(axis=others) == 127).all()


@pytest.mark.parametrize("bias", [0.0, 1e-30, 0.37, -5.0, 1e6])
@pytest.mark.parametrize("weight", [0.0, 1e-42, 1e-9, 1.0])
def test_bias_fits_however_small_the_weights(bias: float, weight: float) -> None:
    x_scale = 0.05
    b = np.array([bias, 1.0], np.float32)
    w = np.array([[weight, -weight], [1.0, 2.0]], np.float32)
    weights, q = weight_codes(w, b, x_scale, 0)
    found, b_q = bias_codes(b, x_scale, q)
    assert np.abs(found.astype(np.int64)).max() <= 1.001 * 2**30
    assert b_q.scale == tuple(x_scale * s for s in q.scale)
    assert abs(found[0] * b_q.scale[0] - b[0]) <= 0.5001 * b_q.scale[0]
    assert abs(weights[0, 0] * q.scale[0] - weight) <= 0.5001 * q.scale[0]
    assert weights[1].tolist() == [64, 127], "a channel does not suffer from its neighbour"


def test_largest_sum_is_reached_by_some_codes() -> None:
    w, b = np.array([[3, -2], [-127, 5]], np.int8), np.array([7, -9], np.int32)
    x = QType(8, True, (1.0,), (-100,))
    corners = np.array([(s, t) for s in (-128, 127) for t in (-128, 127)]) - x.zero[0]
    reached = int(np.abs(corners @ w.T.astype(np.int64) + b).max())
    assert reached <= largest_sum(w, b, x, 0) == (127 + 5) * 227 + 9
