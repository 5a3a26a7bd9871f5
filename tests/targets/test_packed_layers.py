"""Which kernels of few and of many bits take a layer is decided by its weights; what they do not prove, others run."""
from __future__ import annotations

import pytest

from tapeout.targets import find_target
from tests.cases import Case, cases_of


def answers(name: str, op: str = "conv2d", core: str = "cortex-m4") -> dict[str, str | None]:
    """Why each variant does not run a case, by its name."""
    case: Case = next(c for c in cases_of(op) if c.name == f"{op}_{name}")
    (node,) = case.graph.nodes
    return {kernel.symbol: kernel.accepts(case.graph, node) for _, kernel in find_target(core).variants(case.graph, node)}


@pytest.mark.parametrize(("op", "name"), [("conv2d", "packed_s16_halves_long"), ("dense", "packed_s16_halves_wide")])
def test_sums_that_may_leave_32_bits_take_64(op: str, name: str) -> None:
    for core in ("cortex-m4", "cortex-m55"):
        found = answers(name, op, core)
        taken = {symbol for symbol, reason in found.items() if reason is None}
        assert taken == {f"{op}_packed_s16_halves_wide"}
        assert found[f"{op}_packed_s16_halves"] == "sums that leave 32 bits on the way"


def test_sums_that_fit_take_32_or_64() -> None:
    assert set(answers("packed_s16_halves").values()) == {None}


@pytest.mark.parametrize(("name", "reason"), [
    ("packed_s8_3_bits", "weights other than signed ones of 4 bits without zero point or blocks"),
    ("packed_s8_together", "an output other than s8 codes by one multiplier a channel"),
    ("packed_s8_bipolar", "an output other than s8 codes by one multiplier a channel"),
    ("packed_s8_blocks", "an output other than s8 codes by one multiplier a channel"),
    ("packed_s8_computed_zero", "a zero point of its own"),
])  # fmt: skip
def test_what_is_not_plain_is_left_to_the_portable_kernel(name: str, reason: str) -> None:
    assert set(answers(name).values()) == {reason} and set(answers(name, core="cortex-m55").values()) == {reason}


def test_helium_leaves_zero_points_and_two_roundings_to_others() -> None:
    """16 times as large a sum does not round as TensorFlow Lite's; padding in a copy is 0."""
    zero, tflite = answers("packed_s16_halves_zero", core="cortex-m55"), answers("packed_s8_nibbles_pixels_stride", core="cortex-m55")
    assert zero["conv2d_packed_s16_mve"] == "activations with a zero point" and zero["conv2d_packed_s16_halves"] is None
    assert tflite["conv2d_packed_s8_mve"] == "rounding tflite of sums that are larger by a power of two"
    assert tflite["conv2d_packed_s8_nibbles"] is None
