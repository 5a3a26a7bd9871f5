"""Overflow of a 32-bit accumulator is refused at compile time, and only then."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Graph
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.mean import Mean
from tapeout.compiler.ops.requant import Requant
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


SANE = [c for c in all_cases() if c.op != "requant"]  # whose cases go to the ends of the multiplier's range


@pytest.mark.parametrize("case", SANE, ids=lambda c: c.name)
def test_cases_pass(case: Case) -> None:
    assert check_accumulators(case.graph) is case.graph
