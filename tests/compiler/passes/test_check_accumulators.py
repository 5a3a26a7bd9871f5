"""Overflow of a 32-bit accumulator is refused at compile time, and only then."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Graph, QType
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.mean import Mean
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.threshold import Threshold
from tapeout.compiler.passes.check_accumulators import check_accumulators
from tests.cases import Case, Constant, Input, all_cases, one_node, quantized


def dense(bias: int, mul: int = 1 << 30, shift: int = 38, zero: int = -128, rounding: Rounding = Rounding.HALF_UP) -> Graph:
    """One sum of 100 codes with weights 127: at most 100 * 255 * 127 = 3238500 for a zero point of -128."""
    factor = Constant(np.array([mul], np.int32)), Constant(np.array([shift], np.int8))
    weights = Constant(np.full((1, 100), 127, np.int8))
    op = Dense(Requant(quantized(0.1, 0), rounding))
    return one_node("dense", op, Input((1, 100), quantized(0.1, zero)), weights, Constant(np.array([bias], np.int32)), *factor)


REACH = 100 * 255 * 127


def test_the_bound_is_exact() -> None:
    check_accumulators(dense((1 << 31) - 1 - REACH))
    with pytest.raises(TapeoutError, match=r"^y0: its accumulator can reach 2147483648 in channel 0"):
        check_accumulators(dense((1 << 31) - REACH))


def test_the_bound_uses_the_zero_point() -> None:
    check_accumulators(dense((1 << 31) - REACH, zero=0))


def test_a_left_shift_of_tflite_counts() -> None:
    check_accumulators(dense(0, shift=22, rounding=Rounding.TFLITE))  # 3238500 << 9 fits
    with pytest.raises(TapeoutError, match="shifted to the left"):
        check_accumulators(dense(0, shift=21, rounding=Rounding.TFLITE))


def test_the_requantized_value_counts() -> None:
    check_accumulators(dense(0, shift=21))
    with pytest.raises(TapeoutError, match="requantized accumulator"):
        check_accumulators(dense(0, shift=20))


def test_long_means() -> None:
    factor = Constant(np.array([1 << 30], np.int32)), Constant(np.array([60], np.int8))
    op = Mean((0,), requant=Requant(quantized()))
    check_accumulators(one_node("mean", op, Input((8421504,), quantized(zero=-128)), *factor))
    with pytest.raises(TapeoutError, match="its accumulator"):
        check_accumulators(one_node("mean", op, Input((8421505,), quantized(zero=-128)), *factor))


def codes_of(value: int, shape: tuple[int, ...], dtype: str = "int32") -> Constant:
    return Constant(np.full(shape, value, dtype))


def wide(count: int, mul: int, blocks: int = 1) -> Graph:
    """One sum, or `blocks` of them, of `count` 16-bit codes with weights -32768: count * 2**30 in all."""
    q = QType(16, True, (1.0,) * blocks, (0,) * blocks, 0 if blocks > 1 else None, count // blocks if blocks > 1 else None)
    weights = Constant(np.full((1, count), -(1 << 15), np.int16), q)
    op = Dense(Requant(QType(16), lo=-32768, hi=32767, blocks=blocks))
    mul_shape = (1, blocks) if blocks > 1 else (1,)
    return one_node("dense", op, Input((1, count), QType(16)), weights, None, codes_of(mul, mul_shape), codes_of(40, (1,), "int8"))


@pytest.mark.parametrize("blocks", [1, 4])
def test_products_of_64_bits(blocks: int) -> None:
    check_accumulators(wide(1 << 12, (1 << 21) - 1, blocks))
    check_accumulators(wide(1 << 12, 1 - (1 << 21), blocks))
    with pytest.raises(TapeoutError, match=r"requantized accumulator can reach 9223372036854775808 in channel 0, beyond 64 bits"):
        check_accumulators(wide(1 << 12, 1 << 21, blocks))


def test_products_of_blocks_of_32_bit_sums() -> None:
    q = QType(8, True, (1.0, 1.0), (0, 0), 0, 50)
    weights = Constant(np.full((1, 100), -127, np.int8), q)
    for mul, x in ((1 << 30, 8), ((1 << 31) - 1, 8)):
        op = Dense(Requant(quantized(), blocks=2))
        check_accumulators(one_node(
            "dense", op, Input((1, 100), quantized(bits=x)), weights, None, codes_of(mul, (1, 2)), codes_of(50, (1,), "int8")))


def test_negative_multipliers() -> None:
    check_accumulators(dense(0, mul=-(1 << 30)))
    with pytest.raises(TapeoutError, match="requantized accumulator"):
        check_accumulators(dense(0, mul=-(1 << 30), shift=20))
    with pytest.raises(TapeoutError, match="y0: a multiplier is negative, which rounding as TensorFlow Lite does not take"):
        check_accumulators(dense(0, mul=-(1 << 30), rounding=Rounding.TFLITE))


def test_a_computed_zero_point_reaches_as_far_as_the_codes() -> None:
    def graph(bias: int) -> Graph:
        weights = Constant(np.full((1, 100), 127, np.int8))
        factor = codes_of(1 << 30, (1,)), codes_of(38, (1,), "int8")
        op = Dense(Requant(quantized(0.1, 0)))
        return one_node("dense", op, Input((1, 100), quantized(0.1, 0)), weights, codes_of(bias, (1,)), *factor, codes_of(3, (1,)))

    check_accumulators(graph((1 << 31) - 1 - REACH))
    with pytest.raises(TapeoutError, match="its accumulator can reach 2147483648"):
        check_accumulators(graph((1 << 31) - REACH))


@pytest.mark.parametrize(("t", "descending", "ordered"), [
    ([1, 1, 4], 0, True), ([4, 1, 1], 1, True), ([4, 1, 1], 0, False), ([1, 1, 4], 1, False), ([1, 4, 2], 0, False),
])
def test_thresholds_are_in_order(t: list[int], descending: int, ordered: bool) -> None:
    table = Constant(np.array([[0, 0, 0], t], np.int32)), Constant(np.array([0, descending], np.int8))
    fused = one_node("dense", Dense(Threshold(QType(2, False))), Input((1, 4), quantized()), codes_of(1, (2, 4), "int8"), None, *table)
    floats = Constant(np.array([[0, 0, 0], t], np.float32)), table[1]
    for graph in (fused, one_node("threshold", Threshold(QType(2, False)), Input((1, 2)), *floats)):
        if ordered:
            check_accumulators(graph)
            continue
        with pytest.raises(TapeoutError, match="y0: the thresholds of channel 1 are not in order"):
            check_accumulators(graph)


def test_a_threshold_that_is_no_number_is_in_no_order() -> None:
    table = Constant(np.array([[np.nan]], np.float32)), Constant(np.array([0], np.int8))
    with pytest.raises(TapeoutError, match="not in order"):
        check_accumulators(one_node("threshold", Threshold(QType(2)), Input((1, 2)), *table))


SANE = [c for c in all_cases() if c.op != "requant"]  # whose cases go to the ends of the multiplier's range


@pytest.mark.parametrize("case", SANE, ids=lambda c: c.name)
def test_cases_pass(case: Case) -> None:
    assert check_accumulators(case.graph) is case.graph
