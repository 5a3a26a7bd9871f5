"""The formulas of int8 formats: by hand on corner cases, by hypothesis on the rest."""
from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tapeout.compiler.codes import decode, encode
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, FType, QType
from tapeout.quant.recipe import Encoding, Granularity, ScaleKind, TensorRecipe
from tapeout.quant.scheme import Range, activation_format, bias_format, dyadic, representable, weight_format

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
    assert activation_format(range, TensorRecipe(symmetric=symmetric)) == QType(8, True, (scale,), (zero,))


@given(magnitudes, magnitudes, st.booleans())
def test_zero_and_both_ends_are_represented(below: float, above: float, symmetric: bool) -> None:
    assume(below + above > 1e-30)
    q = activation_format(Range(-below, above), TensorRecipe(symmetric=symmetric))
    assert isinstance(q, QType)
    scale, zero = q.scale[0], q.zero[0]
    assert float32(scale) == scale
    assert encode(np.array(0.0), q, Rounding.HALF_AWAY) == zero
    for real in (-below, above):
        assert abs((int(encode(np.array(real), q, Rounding.HALF_AWAY)) - zero) * scale - real) <= 0.5001 * scale
    assert not symmetric or zero == 0


def test_range_around_holds_zero() -> None:
    assert Range.around(2.0, 3.0) == Range(0.0, 3.0)
    assert Range.around(-3.0, -2.0) == Range(-3.0, 0.0)


CHANNELS = TensorRecipe(granularity=Granularity.CHANNEL)


def of(w: Array, recipe: TensorRecipe = CHANNELS, axis: int = 0, b: Array | None = None, x_scale: float = 1.0) -> QType:
    q = weight_format(w, recipe, axis, b, x_scale)
    assert isinstance(q, QType)
    return q


def codes(x: Array, q: QType) -> Array:
    return encode(x.astype(np.float64), q, Rounding.HALF_AWAY)


def test_weights_fill_their_range_in_each_channel() -> None:
    w = np.array([[1.0, -127.0, 0.4], [0.5, -0.25, 0.0]], np.float32)
    q = of(w)
    assert codes(w, q).tolist() == [[1, -127, 0], [127, -64, 0]]
    assert q == QType(8, True, (1.0, float32(0.5 / 127)), (0, 0), 0, narrow=True)


@pytest.mark.parametrize(("shape", "axis"), [((3, 2, 2, 4), 0), ((2, 3, 5), 2), ((4, 7), 0)])
def test_weights_are_near_their_codes(shape: tuple[int, ...], axis: int) -> None:
    w = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    q = of(w, axis=axis)
    assert len(q.scale) == shape[axis] and q.axis == axis
    scale = np.array(q.scale).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    found = codes(w, q)
    assert np.abs(found * scale - w).max(initial=0) <= scale.max() * 0.5001
    others = tuple(i for i in range(len(shape)) if i != axis)
    assert (np.abs(found.astype(int)).max(axis=others) == 127).all()


@pytest.mark.parametrize("bias", [0.0, 1e-30, 0.37, -5.0, 1e6])
@pytest.mark.parametrize("weight", [0.0, 1e-42, 1e-9, 1.0])
def test_bias_fits_however_small_the_weights(bias: float, weight: float) -> None:
    x_scale = 0.05
    b = np.array([bias, 1.0], np.float32)
    w = np.array([[weight, -weight], [1.0, 2.0]], np.float32)
    q = of(w, b=b, x_scale=x_scale)
    b_q = bias_format(x_scale, q, 2, 32)
    found, weights = codes(b, b_q), codes(w, q)
    assert np.abs(found.astype(np.int64)).max() <= 1.001 * 2**30
    assert b_q.scale == tuple(float32(x_scale * s) for s in q.scale)
    assert abs(found[0] * b_q.scale[0] - b[0]) <= 0.5001 * b_q.scale[0]
    assert abs(weights[0, 0] * q.scale[0] - weight) <= 0.5001 * q.scale[0]
    assert weights[1].tolist() == [64, 127], "a channel does not suffer from its neighbour"


@pytest.mark.parametrize("bits", range(2, 17))
@pytest.mark.parametrize("granularity", Granularity)
@pytest.mark.parametrize("kind", ScaleKind)
def test_weights_of_every_recipe(bits: int, granularity: Granularity, kind: ScaleKind) -> None:
    w = np.random.default_rng(bits).normal(0, 1, (4, 3, 3, 6)).astype(np.float32)
    q = of(w, TensorRecipe(bits=bits, granularity=granularity, group=4, scale=kind))
    assert (q.bits, q.signed, set(q.zero)) == (bits, True, {0})
    assert len(q.scale) == {Granularity.TENSOR: 1, Granularity.CHANNEL: 4, Granularity.GROUP: 8}[granularity]
    assert all(float32(s) == s for s in q.scale)
    assert kind is not ScaleKind.POWER_OF_TWO or all(math.frexp(s)[0] == 0.5 for s in q.scale)
    noise = ((decode(codes(w, q), q, np.dtype(np.float64)) - w) ** 2).mean()
    step = np.abs(w).max() / (2 ** (bits - 1) - 1) * (2 if kind is ScaleKind.POWER_OF_TWO else 1)  # at most, for no weight is clipped
    assert noise <= 1.3 * step**2 / 12 + (0.12 if bits == 2 else 0)


@pytest.mark.parametrize(("encoding", "held"), [(Encoding.TERNARY, {-1, 0, 1}), (Encoding.BINARY, {0, 1})])
def test_weights_of_one_or_two_bits(encoding: Encoding, held: set[int]) -> None:
    w = np.random.default_rng(0).normal(0, 1, (4, 50)).astype(np.float32)
    q = of(w, TensorRecipe(encoding=encoding, granularity=Granularity.CHANNEL))
    assert set(codes(w, q).ravel().tolist()) == held and len(q.scale) == 4


def test_dyadic_ratios_are_whole_numbers_over_powers_of_two() -> None:
    q = of(np.random.default_rng(0).normal(0, 1, (5, 7)).astype(np.float32))
    moved = dyadic(q, 0.013, 0.37)
    for before, after in zip(q.scale, moved.scale, strict=True):
        ratio = 0.013 * after / 0.37
        mul, exponent = math.frexp(ratio)
        assert abs(mul * 2**15 - round(mul * 2**15)) < 1e-9, exponent
        assert abs(after / before - 1) < 2**-14


def test_a_power_of_two_is_no_smaller_than_asked() -> None:
    assert [representable(s, ScaleKind.POWER_OF_TWO) for s in (0.25, 0.26, 1.0, 3.0)] == [0.25, 0.5, 1.0, 4.0]


@pytest.mark.parametrize(("range", "recipe", "expected"), [
    (Range(0.0, 15.0), TensorRecipe(bits=4, signed=False), QType(4, False, (1.0,))),
    (Range(-1.0, 7.0), TensorRecipe(bits=4, signed=False), QType(4, True, (1.0,))),
    (Range(0.0, 1.0), TensorRecipe(bits=16, integer_bits=6), QType(16, True, (2.0**-10,))),
    (Range(-1.0, 1.0), TensorRecipe(bits=5, dynamic=True), QType(5)),
    (Range(-1.0, 1.0), TensorRecipe(bits=5, dynamic=True, symmetric=False), QType(5, zero=(-16,))),
    (Range(-1.0, 1.0), TensorRecipe(encoding=Encoding.BINARY), QType(1, bipolar=True)),
    (Range(-1.0, 1.0), TensorRecipe(encoding=Encoding.BF16), FType("bf16")),
])  # fmt: skip
def test_activations_of_every_recipe(range: Range, recipe: TensorRecipe, expected: QType | FType) -> None:
    assert activation_format(range, recipe) == expected
