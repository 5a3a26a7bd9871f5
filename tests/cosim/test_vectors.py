"""Seeded inputs hold the corner codes first."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.ir import F32, Array, FType, Graph, Port, QType, Type, Value
from tapeout.cosim.records import decode, encode
from tapeout.cosim.vectors import random_inputs


def graph(**types: Type) -> Graph:
    ports = tuple(Port(n, n, t.q.dtype.name, tuple(range(len(t.shape)))) for n, t in types.items())
    return Graph("inputs", ports, (), (), {n: Value(n, t) for n, t in types.items()})


def vectors(shape: tuple[int, ...], q: QType | FType, count: int = 400, seed: int = 0) -> Array:
    return random_inputs(graph(x=Type(shape, q)), count, seed)["x"]


@pytest.mark.parametrize("shape", [(1, 3), (1, 7, 6, 3), (1, 300), (1, 1)])
@pytest.mark.parametrize("q", [QType(8, True, (1.0,), (9,)), QType(8, False, (1.0,), (128,)), QType(4, True, (1.0,), (0,))])
def test_corner_codes(shape: tuple[int, ...], q: QType) -> None:
    found = vectors(shape, q)
    assert found.shape == (400, *shape)
    assert found.dtype == q.dtype
    assert [set(np.unique(found[i]).tolist()) for i in range(3)] == [{q.min}, {q.max}, {q.zero[0]}]
    assert set(np.unique(found[3:5]).tolist()) == {q.min, q.max}
    assert (found[3] != found[4]).all()
    ramp = found[5 : 5 + -(-(1 << q.bits) // found[0].size)]
    assert np.unique(ramp).size == 1 << q.bits, "every code occurs"
    assert np.unique(found[-50:]).size > 1
    assert found.min() == q.min
    assert found.max() == q.max


def test_wide_codes_reach_both_ends() -> None:
    found = vectors((1, 64), QType(16, True))
    assert found[:10].min() == -32768
    assert found.max() == 32767


def test_floats_are_finite_and_hold_both_zeros() -> None:
    found = vectors((1, 5), F32)
    assert np.isfinite(found).all()
    zeros = found[:2].reshape(2, 5)
    assert (zeros == 0).all()
    assert np.signbit(zeros[:, 0]).tolist() == [False, True]
    assert 0.9 < found[20:].std() < 1.1


def test_the_seed_decides() -> None:
    one, again, other = (vectors((1, 5), QType(), seed=s) for s in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_samples(count: int) -> None:
    assert vectors((2, 2), QType(), count).shape == (count, 2, 2)


def test_records_hold_one_sample_after_another() -> None:
    a, b = Type((2,), QType()), Type((1, 2), F32)
    inputs: dict[str, Array] = {"a": np.array([[1, 2], [3, 4]], np.int8), "b": np.array([[[0.5, 1]], [[2, 3]]], np.float32)}
    data = encode(graph(a=a, b=b), inputs)
    assert data[:6] == bytes([2, 0, 0, 0, 1, 2])
    assert len(data) == 4 + 2 * (2 + 8)
    first, second = decode(data[4:], 2, [a, b])
    np.testing.assert_array_equal(first, inputs["a"])
    np.testing.assert_array_equal(second, inputs["b"])
    with pytest.raises(ValueError, match="wrote 19 bytes for 2 samples of 10 bytes each"):
        decode(data[4:-1], 2, [a, b])


def test_records_of_packed_codes() -> None:
    bits, few = Type((2, 3), QType(1, bipolar=True, packed=True)), Type((5,), QType(3, packed=True))
    inputs: dict[str, Array] = {"a": np.array([[[1, 0, 1], [0, 1, 1]]], np.int8), "b": np.array([[-1, 0, 1, -4, 3]], np.int8)}
    data = encode(graph(a=bits, b=few), inputs)[4:]
    assert data == bytes([0b101, 0b110, 0b01_000_111, 0b0_011_100_0])
    for expected, found in zip(inputs.values(), decode(data, 1, [bits, few]), strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match=r"left bits that are not 0 behind rows of packed b1 2x3"):
        decode(bytes([0b1101, *data[1:]]), 1, [bits, few])


def test_narrow_codes_are_all_there() -> None:
    assert sorted(set(vectors((1, 5), QType(2, narrow=True), 20).ravel().tolist())) == [-1, 0, 1]
